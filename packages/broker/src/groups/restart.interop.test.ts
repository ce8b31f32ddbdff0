/** A restart of the broker in the middle of groups whose members nobody here wrote: they notice a lost connection, and no rebalance. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  ConsumerProtocolAssignment,
  DescribeGroups,
  decodeCoordinatorRecord,
  OffsetFetch,
  type Response,
} from '@odradek/protocol'
import { realWorld } from '@odradek/world'
import { Consumer } from '@platformatic/kafka'
import kafkajs from 'kafkajs'
import { Broker } from '../broker.ts'
import { RawClient } from '../testing/raw-client.ts'

const partitions = [0, 1, 2, 3]
const withoutKcat = spawnSync('kcat', ['-V']).error ? 'kcat is not installed (apt-get install kcat)' : false

/** A broker with a folder that comes back at the same port. */
class Restartable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'odradek-groups-'))
  broker!: Broker
  port = 0

  async start(): Promise<void> {
    const listen = { host: '127.0.0.1', port: this.port }
    this.broker = await Broker.start({ world: realWorld(), listen, data: { folder: this.#folder } })
    this.port = Number(this.broker.bootstrap.split(':')[1])
  }

  async restart(): Promise<void> {
    await this.broker.close()
    await this.start()
  }

  async end(): Promise<void> {
    await this.broker.close({ drain: false })
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async raw<T>(use: (client: RawClient) => Promise<T>): Promise<T> {
    const client = await RawClient.connect(realWorld().wire, { host: '127.0.0.1', port: this.port })
    try {
      return await use(client)
    } finally {
      client.close()
    }
  }

  describe(group: string): Promise<Response<typeof DescribeGroups>['groups'][number]> {
    return this.raw(async client => (await client.call(DescribeGroups, 5, { groups: [group] })).groups[0]!)
  }

  async committed(group: string, topic: string): Promise<number> {
    const asked = [{ groupId: group, topics: [{ name: topic, partitionIndexes: partitions }] }]
    const { groups } = await this.raw(client => client.call(OffsetFetch, 8, { groups: asked }))
    return groups[0]!.topics[0]!.partitions.reduce((sum, { committedOffset }) => sum + Math.max(0, committedOffset), 0)
  }
}

/** What a test has opened is closed when it ends, the last first: clients go before their broker. */
function closing(t: TestContext): AsyncDisposableStack {
  const stack = new AsyncDisposableStack()
  t.after(() => stack.disposeAsync())
  return stack
}

async function restartable(
  open: AsyncDisposableStack,
): Promise<{ cluster: Restartable; kafka: kafkajs.Kafka; send(): Promise<void> }> {
  const cluster = new Restartable()
  await cluster.start()
  const kafka = new kafkajs.Kafka({
    brokers: [cluster.broker.bootstrap],
    logLevel: kafkajs.logLevel.NOTHING,
    // On a busy machine a restart takes seconds; a client that gives up before that begins anew, and joins again.
    retry: { retries: 300, initialRetryTime: 20, maxRetryTime: 100 },
  })
  const admin = kafka.admin()
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
  open.defer(() => cluster.end())
  open.defer(async () => void (await Promise.all([admin.disconnect(), producer.disconnect()])))
  await Promise.all([admin.connect(), producer.connect()])
  await admin.createTopics({ topics: [{ topic: 'shared', numPartitions: 4 }] })
  const send = async () => {
    await producer.send({
      topic: 'shared',
      messages: partitions.map(partition => ({ partition, value: `to ${partition}` })),
    })
  }
  return { cluster, kafka, send }
}

/** Asks again, at the pace of the network, until it is so. */
async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const limit = AbortSignal.timeout(15_000)
  while (!(await isSo())) {
    assert(!limit.aborted, `${what} did not happen in 15 s`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

/** The same members with the same assignments, in the same generation as far as one can see from outside. */
async function sameAfterRestart(cluster: Restartable, group: string): Promise<void> {
  const before = await cluster.describe(group)
  assert.equal(before.groupState, 'Stable')
  await cluster.restart()
  assert.deepEqual(await cluster.describe(group), before)
}

test('kafkajs consumers go on after a restart without a rebalance', async t => {
  const open = closing(t)
  const { cluster, kafka, send } = await restartable(open)
  const joins: number[] = []
  const seen: string[] = []
  const timing = { sessionTimeout: 30_000, heartbeatInterval: 100, maxWaitTimeInMs: 100 }
  for (const member of [0, 1]) {
    const consumer = kafka.consumer({ groupId: 'g', ...timing })
    open.defer(() => consumer.disconnect())
    consumer.on(
      consumer.events.GROUP_JOIN,
      ({ payload }) => void (joins[member] = payload.memberAssignment.shared!.length),
    )
    await consumer.connect()
    await consumer.subscribe({ topic: 'shared', fromBeginning: true })
    await consumer.run({
      autoCommitInterval: 10,
      eachMessage: async ({ message }) => void seen.push(message.value!.toString()),
    })
  }
  await until(() => joins[0] === 2 && joins[1] === 2, 'sharing')
  await send()
  await until(async () => seen.length === 4 && (await cluster.committed('g', 'shared')) === 4, 'the first four')
  joins.length = 0
  await sameAfterRestart(cluster, 'g')
  assert.equal(await cluster.committed('g', 'shared'), 4)
  await send()
  await until(async () => seen.length >= 8 && (await cluster.committed('g', 'shared')) === 8, 'four more')
  assert.equal(seen.length, 8, 'something was read twice')
  assert.deepEqual(joins, [], 'somebody joined again')
})

test('a static member of @platformatic/kafka comes back within its session without a rebalance, over a restart', async t => {
  const open = closing(t)
  const { cluster } = await restartable(open)
  const options = { clientId: 'c', bootstrapBrokers: [cluster.broker.bootstrap], groupId: 's', groupInstanceId: 'one' }
  const timing = {
    sessionTimeout: 20_000,
    rebalanceTimeout: 20_000,
    heartbeatInterval: 100,
    retries: 10,
    retryDelay: 50,
  }
  const first = new Consumer({ ...options, ...timing })
  const opened = await first.consume({ topics: ['shared'], mode: 'earliest' })
  await until(async () => (await cluster.describe('s')).groupState === 'Stable', 'the first deal')
  const before = await cluster.describe('s')
  assert.equal(before.members[0]!.groupInstanceId, 'one')
  await opened.close()
  await cluster.restart()
  const second = new Consumer({ ...options, ...timing })
  open.defer(async () => void (await Promise.all([first.close(true), second.close(true)])))
  await second.consume({ topics: ['shared'], mode: 'earliest' })
  const after = await cluster.describe('s')
  assert.equal(after.groupState, 'Stable')
  assert.equal(after.members.length, 1)
  assert.notEqual(after.members[0]!.memberId, before.members[0]!.memberId)
  assert.deepEqual(after.members[0]!.memberAssignment, before.members[0]!.memberAssignment)
  assert.equal(second.generationId, 1)
})

test('kcat members, cooperative-sticky, go on after a restart without a rebalance', { skip: withoutKcat }, async t => {
  const open = closing(t)
  const { cluster, send } = await restartable(open)
  const output: string[] = []
  const errors: string[] = []
  const assigned = () => errors.join('').match(/rebalanced|assigned/g)?.length ?? 0
  for (const member of [0, 1]) {
    const settings = [
      'partition.assignment.strategy=cooperative-sticky',
      'heartbeat.interval.ms=100',
      'reconnect.backoff.ms=10',
      'reconnect.backoff.max.ms=50',
      'fetch.wait.max.ms=50',
      'fetch.error.backoff.ms=50',
      'retry.backoff.ms=20',
    ]
    // -E: a lost connection is no reason to end.
    const options = ['-E', '-u', '-o', 'beginning', ...settings.flatMap(text => ['-X', text])]
    const args = ['-b', cluster.broker.bootstrap, ...options, '-G', 'k', 'shared']
    const child = spawn('kcat', args, { stdio: ['ignore', 'pipe', 'pipe'] })
    open.defer(() => void child.kill('SIGKILL'))
    child.stdout.on('data', chunk => output.push(String(chunk)))
    child.stderr.on('data', chunk => errors.push(String(chunk)))
    await until(async () => (await cluster.describe('k')).members.length === member + 1, `member ${member}`)
  }
  const shares = async () =>
    (await cluster.describe('k')).members.map(({ memberAssignment }) => {
      if (memberAssignment.length === 0) return 0
      const { value } = decodeCoordinatorRecord(ConsumerProtocolAssignment, memberAssignment)
      return value.assignedPartitions.flatMap(({ partitions: mine }) => mine).length
    })
  await until(async () => (await shares()).join() === '2,2', 'an even division')
  await send()
  const received = () => output.join('').match(/to \d\n/g)?.length ?? 0
  await until(() => received() === 4, 'the first four')
  const before = assigned()
  await sameAfterRestart(cluster, 'k')
  await send()
  await until(() => received() >= 8, 'four more')
  assert.equal(received(), 8, 'something was read twice')
  assert.equal(assigned(), before, errors.join(''))
})
