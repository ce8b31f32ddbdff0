/** What handlers answer, in a running instance: records go on, offsets advance, dead letters arrive. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde, topic } from '@odradek/client'
import {
  type KafkaStreamsOptions,
  type KStream,
  logAndContinue,
  type ProductionFailure,
  StreamsBuilder,
  StreamsError,
  type Topology,
} from '../index.ts'
import { SimulatedCluster } from '../testing/simulated-cluster.ts'

const logger = { warn() {}, error() {} }

function reading(write: (lines: KStream<string, string>) => void): Topology {
  const builder = new StreamsBuilder()
  write(builder.stream('lines', { key: serde.string, value: serde.string }))
  return builder.build()
}

/** An instance at work on these lines; topics 'out' and 'dead' exist, 'out' takes no long records. */
async function working(topology: Topology, lines: string[], options: Partial<KafkaStreamsOptions>) {
  const cluster = await SimulatedCluster.start(1)
  await cluster.makeTopics(1)
  const config = { 'max.message.bytes': '200' }
  await cluster.finish(
    cluster.kafka.admin().topics.create([
      { name: 'out', partitions: 1, config },
      { name: 'dead', partitions: 1 },
    ]),
  )
  await cluster.publish(lines)
  const app = cluster.instance('one', { logger, commitIntervalMs: 1_000, ...options }, topology)
  const read = async (name: string) => {
    const contract = topic(name, { key: serde.string, value: serde.string })
    return cluster.finish(Array.fromAsync(cluster.kafka.read(contract)))
  }
  const committed = async () => (await cluster.finish(cluster.kafka.admin().groups.offsets('app')))[0]?.offset
  return { cluster, app, read, committed }
}

test('offsets advance over records that cannot be read, and dead letters keep their bytes (streams facts 2.36)', async () => {
  const builder = new StreamsBuilder()
  const logged: object[] = []
  builder.stream('lines', { key: serde.string, value: serde.json<number>() }).to('out')
  const { cluster, app, read, committed } = await working(builder.build(), ['1', 'bad', 'bad too'], {
    handlers: { deserialization: logAndContinue },
    deadLetterTopic: 'dead',
    logger: { ...logger, warn: fields => void logged.push(fields) },
  })
  await cluster.finish(app.start())
  await cluster.until(() => logged.length === 2)
  await cluster.finish(app.close())
  assert.equal(await committed(), 3)
  assert.equal((await read('out')).length, 1)
  const letters = await read('dead')
  assert.deepEqual(
    letters.map(({ key, value }) => [key, value]),
    [
      ['1', 'bad'],
      ['2', 'bad too'],
    ],
  )
  assert.equal([...letters[0]!.headers].length, 6)
  await cluster.close()
})

test('what the brokers refuse is for the production handler: dead letter, and the rest goes on', async () => {
  const asked: ProductionFailure[] = []
  const long = 'l'.repeat(300)
  const { cluster, app, read, committed } = await working(
    reading(lines => lines.to('out', { name: 'sink' })),
    ['a', long, 'b'],
    {
      deadLetterTopic: 'dead',
      handlers: {
        production(error, at) {
          asked.push(at)
          return logAndContinue(error, at)
        },
      },
    },
  )
  await cluster.finish(app.start())
  await cluster.until(() => asked.length > 0)
  await cluster.finish(app.close())
  assert.deepEqual(
    asked.map(({ node, offset, part, attempts, target }) => [node, offset, part, attempts, target?.topic]),
    [['sink', 1, undefined, 1, 'out']],
  )
  assert.equal(await committed(), 3)
  assert.deepEqual(
    (await read('out')).map(({ value }) => value),
    ['a', 'b'],
  )
  assert.deepEqual(
    (await read('dead')).map(({ value }) => value),
    [long],
  )
  await cluster.close()
})

test('a retry of what was refused for good ends the instance, and so does a dead letter that cannot be written', async () => {
  const long = 'l'.repeat(300)
  for (const options of [
    { handlers: { production: () => 'retry' as const } },
    { handlers: { production: logAndContinue }, deadLetterTopic: 'out' },
  ]) {
    const { cluster, app, committed } = await working(
      reading(lines => lines.to('out')),
      ['a', long],
      options,
    )
    await cluster.finish(assert.rejects(app.run(), { code: 'PRODUCTION' }))
    assert.ok(((await committed()) ?? 0) === 0)
    await cluster.close()
  }
})

test('a callback that never settles ends the instance after the task timeout, with the node and the record', async () => {
  const { cluster, app, committed } = await working(
    reading(lines =>
      lines
        .flatMapValues(line => (line === 'b' ? new Promise<never>(() => {}) : [line]), { name: 'stuck' })
        .to('out', { value: serde.string }),
    ),
    ['a', 'b', 'c'],
    { taskTimeoutMs: 20_000 },
  )
  const before = cluster.world.clock.monotonic()
  await cluster.finish(
    assert.rejects(app.run(), (error: StreamsError) => {
      assert.ok(error instanceof StreamsError)
      assert.deepEqual([error.code, error.node, error.topic, error.offset], ['TASK_TIMEOUT', 'stuck', 'lines', 1])
      assert.match(
        error.message,
        /Node stuck of task 0_0 has not settled on the record at offset 1 of lines-0 within 20000 ms/,
      )
      return true
    }),
  )
  assert.ok(cluster.world.clock.monotonic() - before < 25_000)
  assert.ok(((await committed()) ?? 0) <= 1)
  await cluster.close()
})

test('a thread that is replaced again and again says why each time, and waits longer', async () => {
  const pauses: unknown[] = []
  const causes = new Set<unknown>()
  const { cluster, app } = await working(
    reading(lines => lines.map(() => assert.fail('poison')).to('out', { value: serde.string })),
    ['a'],
    {
      logger: {
        ...logger,
        error(fields) {
          const { error, pauseMs } = fields as { error: StreamsError; pauseMs: number }
          causes.add(error.code)
          pauses.push(pauseMs)
        },
      },
      handlers: { uncaught: () => 'replace-thread' },
    },
  )
  await cluster.finish(app.start())
  await cluster.until(() => pauses.length === 7)
  assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
  assert.deepEqual([...causes], ['PROCESSING'])
  await cluster.finish(app.close())
  await cluster.close()
})

test('a thread that fails is replaced when the uncaught handler says so, and goes on from the last commit', async () => {
  let failures = 0
  const told: unknown[] = []
  const { cluster, app, read, committed } = await working(
    reading(lines =>
      lines
        .flatMapValues(line => {
          if (line === 'b' && ++failures < 3) throw new Error('not yet')
          return [line]
        })
        .to('out', { value: serde.string }),
    ),
    ['a', 'b', 'c'],
    {
      handlers: {
        uncaught(error) {
          told.push(error)
          return 'replace-thread'
        },
      },
    },
  )
  const states: string[] = []
  app.onStateChange(state => states.push(state))
  await cluster.finish(app.start())
  await cluster.until(() => failures === 3)
  await cluster.until(() => app.state === 'RUNNING')
  await cluster.finish(app.close())
  assert.equal(await committed(), 3)
  assert.deepEqual(
    told.map(error => (error as StreamsError).code),
    ['PROCESSING', 'PROCESSING'],
  )
  assert.ok(!states.includes('PENDING_ERROR'))
  const values = (await read('out')).map(({ value }) => value)
  assert.deepEqual(values.slice(-3), ['a', 'b', 'c'])
  await cluster.close()
})

test('an instance that fails ends the whole application when the uncaught handler says so', async () => {
  const cluster = await SimulatedCluster.start(1)
  await cluster.makeTopics(2)
  const failing = reading(lines =>
    lines
      .flatMapValues(line => {
        if (line === 'bad') throw new Error('no such line')
        return [line]
      })
      .to('counts', { value: serde.string }),
  )
  const options = { logger, handlers: { uncaught: () => 'shutdown-application' as const } }
  const apps = ['one', 'two', 'three'].map(name => cluster.instance(name, options, failing))
  const ends = Promise.allSettled(apps.map(app => app.run()))
  await cluster.until(() => apps.every(app => app.state === 'RUNNING'))
  await cluster.publish(['bad'])
  const codes = (await cluster.finish(ends)).map(end => (end.status === 'rejected' ? end.reason.code : 'peace'))
  assert.deepEqual(codes.sort(), ['PROCESSING', 'SHUTDOWN_REQUESTED', 'SHUTDOWN_REQUESTED'])
  assert.ok(apps.every(app => app.state === 'ERROR'))
  const later = cluster.instance('four', { logger, handlers: { processing: () => 'resume' } }, failing)
  await cluster.finish(later.start())
  await cluster.until(() => later.state === 'RUNNING')
  await cluster.close(later)
})
