/**
 * What clients see of a restart, orderly or by kill -9: the same topics under the same ids, a higher leader epoch, groups whose members
 * go on without a rebalance, committed offsets, and a producer that goes on with its sequence.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Consumer, Kafka } from '@odradek/client'
import { DescribeProducers } from '@odradek/protocol'
import { closing, Waiter } from '../interop/broker-under-test.ts'
import { freePort, ServeProcess } from './serve-process.ts'

const perPhase = 40

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`clients go on after a restart by ${signal}`, async t => {
    const restart = await restartable(t)
    await restart.start()
    const kafka = closing(t).use(new Kafka({ brokers: `127.0.0.1:${restart.port}` }))
    const admin = kafka.admin()
    await admin.topics.create([{ name: 'orders', partitions: 4 }])
    const group = new Group(kafka)
    const producer = closing(t).use(kafka.producer())
    const values = Array.from({ length: 2 * perPhase }, (_, i) => `order ${i}`)
    const send = (some: readonly string[]) =>
      Promise.all(some.map((value, i) => producer.send('orders', { value, partition: i % 4 })))

    await group.isSettled()
    await send(values.slice(0, perPhase))
    await group.hasSeen(values.slice(0, perPhase))
    const before = await restart.view(kafka)
    const told = [...group.rebalances]

    await restart.end(signal)
    const later = send(values.slice(perPhase))
    await restart.start()
    await later
    await group.hasSeen(values)

    const after = await restart.view(kafka)
    assert.equal(after.topicId, before.topicId)
    assert.equal(after.clusterId, before.clusterId)
    assert.ok(after.leaderEpoch > before.leaderEpoch, `leader epoch ${before.leaderEpoch}, then ${after.leaderEpoch}`)
    assert.deepEqual(after.members, before.members)
    assert.deepEqual(group.rebalances, told)
    assert.deepEqual(after.producers, before.producers)
    assert.deepEqual(group.seenTwice(), [])
    await group.close()
    const lag = await admin.groups.lag('readers')
    assert.deepEqual(
      lag.map(each => each.lag),
      [0, 0, 0, 0],
    )
  })
}

/** Two consumers of one group, and what they were told. */
class Group {
  readonly rebalances: string[] = []
  readonly #values = new Waiter<string>()
  readonly #assigned = new Waiter<number>()
  readonly #consumers: Consumer<'orders'>[]
  readonly #running: Promise<void>[]

  constructor(kafka: Kafka) {
    this.#consumers = ['one', 'two'].map(groupInstanceId =>
      kafka.consumer({
        group: 'readers',
        topics: ['orders'],
        from: 'earliest',
        groupInstanceId,
        heartbeatIntervalMs: 200,
        commit: { every: 50 },
        onAssigned: partitions => this.#note('assigned', partitions.length),
        onRevoked: partitions => this.#note('revoked', -partitions.length),
        onLost: partitions => this.#note('lost', -partitions.length),
      }),
    )
    this.#running = this.#consumers.map(consumer =>
      consumer.run(async record => this.#values.add(Buffer.from(record.value as Uint8Array).toString())),
    )
  }

  /** Each has two partitions. */
  async isSettled(): Promise<void> {
    const isFair = () => this.#consumers.every(consumer => consumer.health().assignment.length === 2)
    await this.#assigned.until(isFair, 'two partitions for each')
  }

  async hasSeen(values: readonly string[]): Promise<void> {
    const missing = new Set(values)
    await this.#values.until(seen => {
      for (const value of seen) missing.delete(value)
      return missing.size === 0
    }, `${values.length} records`)
  }

  seenTwice(): string[] {
    return this.#values.seen.filter((value, i, all) => all.indexOf(value) < i)
  }

  async close(): Promise<void> {
    await Promise.all(this.#consumers.map(consumer => consumer.close()))
    await Promise.all(this.#running)
  }

  #note(what: string, partitions: number): void {
    this.rebalances.push(what)
    this.#assigned.add(partitions)
  }
}

async function restartable(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-restart-'))
  closing(t).defer(() => rmSync(folder, { recursive: true, force: true }))
  const port = await freePort()
  let broker: ServeProcess | undefined
  closing(t).defer(async () => void (await broker?.end('SIGKILL')))
  return {
    port,
    async start() {
      broker = await ServeProcess.start(['--listen', `127.0.0.1:${port}`, '--data', folder])
    },
    async end(signal: 'SIGTERM' | 'SIGKILL') {
      await broker!.end(signal)
    },
    /** What a restart must not change, and the epoch, which it must. */
    async view(kafka: Kafka) {
      const admin = kafka.admin()
      const { topicId, partitions } = await admin.topics.describe('orders')
      const { members } = await admin.groups.describe('readers')
      const asked = { topics: [{ name: 'orders', partitionIndexes: [0, 1, 2, 3] }] }
      const { topics } = await kafka.cluster.call(partitions[0]!.leader, DescribeProducers, asked)
      return {
        topicId,
        clusterId: (await admin.cluster.describe()).clusterId,
        leaderEpoch: partitions[0]!.leaderEpoch,
        members: members.map(({ memberId, assignment }) => ({ memberId, assignment })),
        producers: topics[0]!.partitions.map(each =>
          each.activeProducers.map(one => [one.producerId, one.producerEpoch]),
        ),
      }
    },
  }
}
