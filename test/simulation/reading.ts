/** Those who read while there is trouble: members of a group, and a reader of given partitions. */
import {
  type BatchOptions,
  type Consumer,
  type ConsumerOptions,
  type OffsetToCommit,
  type RecordBatch,
  range,
  type TopicPartition,
} from '@odradek/client'
import { sleep } from '@odradek/world'
import { pick } from './plan.ts'
import { nameIn } from './producing.ts'
import { passDamage } from './rot.ts'
import type { Client, Scene } from './scene.ts'

export const group = 'g'

type Protocol = Pick<ConsumerOptions, 'groupProtocol' | 'sessionTimeoutMs' | 'heartbeatIntervalMs' | 'assignors'>

/** A member of the group. When it crashes another comes; when it fails, too. */
export class Membership {
  readonly #scene: Scene
  readonly #isEager: boolean
  #isOver = false
  #consumer: Consumer<string> | undefined
  #closed: Promise<void> = Promise.resolve()

  constructor(scene: Scene) {
    this.#scene = scene
    this.#isEager = scene.plan.seed % 3 === 0
  }

  async run(): Promise<void> {
    while (!this.#isOver) {
      const crashed = Promise.withResolvers<void>()
      const client = this.#scene.clients.start('member', crashed.resolve)
      await Promise.race([this.#life(client), crashed.promise])
    }
  }

  /** Leaves the group. */
  async stop(): Promise<void> {
    this.#isOver = true
    await this.#consumer?.close()
    await this.#closed
  }

  async #life(client: Client): Promise<void> {
    const { plan, recorder, clients, world } = this.#scene
    const { name: process, random } = client
    const consumer: Consumer<string> = client.kafka.consumer({
      ...{ group, topics: plan.topics.map(({ name }) => name), from: 'earliest', commit: 'manual' },
      ...{ maxPollIntervalMs: 20_000, metadataMaxAgeMs: 3_000, ...this.#protocol(client) },
      onAssigned: some => {
        const { generation } = consumer.engine.membership()
        if (!client.isDead) recorder.note({ kind: 'assign', process, partitions: namesOf(some), group, generation })
      },
      onRevoked: some => this.#unassigned(client, some),
      onLost: some => this.#unassigned(client, some),
    })
    this.#consumer = consumer
    try {
      const size = { max: 1 + random.int(60), maxWaitMs: 20 }
      for await (const batch of readOn(this.#scene, client, consumer, size)) {
        if (client.isDead) return
        notePoll(this.#scene, client, batch)
        await sleep(world.clock, random.int(30))
        if (random.chance(0.7)) await this.#commit(client, consumer, batch)
        if (this.#isOver) break
      }
    } catch (error) {
      if (!client.isDead) recorder.remark(`${process} ended: ${(error as Error).message}`)
    }
    this.#closed = clients.close(client)
    await this.#closed
  }

  #protocol({ random }: Client): Protocol {
    const { groupProtocol } = this.#scene.plan
    if (groupProtocol === 'consumer' || (groupProtocol === 'both' && random.chance(0.5)))
      return { groupProtocol: 'consumer' }
    const classic = { groupProtocol: 'classic', sessionTimeoutMs: 6_000, heartbeatIntervalMs: 800 } as const
    return { ...classic, ...(this.#isEager && { assignors: [range] }) }
  }

  #unassigned({ isDead, name: process }: Client, partitions: readonly TopicPartition[]): void {
    const { recorder } = this.#scene
    if (!isDead) recorder.note({ kind: 'unassign', process, partitions: namesOf(partitions), group })
  }

  async #commit(client: Client, consumer: Consumer<string>, batch: RecordBatch<any>): Promise<void> {
    const { recorder } = this.#scene
    const { name: process } = client
    const next = new Map<string, OffsetToCommit>()
    for (const { topic, partition, offset } of batch)
      next.set(`${topic}-${partition}`, { topic, partition, offset: offset + 1 })
    for (const [partition, { offset }] of next) recorder.note({ kind: 'commit', group, process, partition, offset })
    const since = recorder.events.length
    const { memberId, generation } = consumer.engine.membership()
    try {
      await consumer.commit([...next.values()])
      if (client.isDead) return
      const now = consumer.engine.membership()
      const isSame = now.memberId === memberId && now.generation === generation
      // A record's signal tells sooner than the callbacks that its partition has been taken away.
      if (generation > 0 && isSame && Array.from(batch).every(({ signal }) => !signal.aborted))
        recorder.note({ kind: 'owned', process, partitions: [...next.keys()], group, since })
      for (const [partition, { offset }] of next)
        recorder.note({ kind: 'committed', group, process, partition, offset })
    } catch (error) {
      recorder.remark(`${process} could not commit: ${(error as Error).message}`)
    }
  }
}

/** Reads one topic from its start, on and on; begins anew now and then. */
export class Reading {
  readonly #scene: Scene
  readonly #stopping = new AbortController()

  constructor(scene: Scene) {
    this.#scene = scene
  }

  async run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const crashed = Promise.withResolvers<void>()
      const client = this.#scene.clients.start('reader', crashed.resolve)
      await Promise.race([this.#life(client), crashed.promise])
    }
  }

  stop(): void {
    this.#stopping.abort()
  }

  async #life(client: Client): Promise<void> {
    const { plan, recorder, clients } = this.#scene
    const { name: process } = client
    const topic = pick(client.random, plan.topics)
    const partitions = Array.from({ length: topic.partitions }, (_, partition) => ({ topic: topic.name, partition }))
    const consumer = client.kafka.consumer({ partitions, from: 'earliest', metadataMaxAgeMs: 3_000 })
    const names = partitions.map(({ topic, partition }) => `${topic}-${partition}`)
    recorder.note({ kind: 'assign', process, partitions: names })
    try {
      const { signal } = this.#stopping
      for await (const batch of readOn(this.#scene, client, consumer, { max: 200, maxWaitMs: 5, signal })) {
        if (client.isDead) return
        notePoll(this.#scene, client, batch)
        if (client.random.chance(0.05)) break
      }
    } catch (error) {
      const isOver = this.#stopping.signal.aborted || client.isDead
      if (!isOver) recorder.remark(`${process} ended: ${(error as Error).message}`)
    }
    await clients.close(client)
  }
}

/** Batches, also behind those that are damaged. */
async function* readOn(
  scene: Scene,
  client: Client,
  consumer: Consumer<string>,
  options: BatchOptions,
): AsyncIterable<RecordBatch<any>> {
  for (;;) {
    try {
      yield* consumer.batches(options)
      return
    } catch (error) {
      if (client.isDead) throw error
      const { topic, partition, next } = passDamage(scene, error)
      consumer.seek(topic, partition, next)
    }
  }
}

function notePoll({ recorder }: Scene, { name: process }: Client, batch: RecordBatch<any>): void {
  const records = Array.from(batch, ({ topic, partition, offset, valueBytes, headers }) => {
    return { partition: `${topic}-${partition}`, offset, value: nameOf({ valueBytes, headers }) }
  })
  recorder.note({ kind: 'poll', process, records })
}

const namesOf = (partitions: readonly TopicPartition[]) =>
  partitions.map(({ topic, partition }) => `${topic}-${partition}`)

/** Of a record, be it a tombstone. */
export function nameOf(record: { valueBytes: Uint8Array | null; headers: { text(name: string): unknown } }): string {
  return record.valueBytes === null ? String(record.headers.text('name')) : nameIn(record.valueBytes)
}
