/** What the brokers refuse, under exactly once: the production handler is asked as it is without, and what it says is committed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde, topic } from '@odradek/client'
import {
  type ErrorHandlers,
  type KafkaStreamsOptions,
  type KStream,
  logAndContinue,
  type ProductionFailure,
  StreamsBuilder,
  type StreamsError,
} from '../index.ts'
import { SimulatedCluster } from '../testing/simulated-cluster.ts'

const logger = { warn() {}, error() {} }
const long = 'l'.repeat(300)
const once = { processingGuarantee: 'exactly_once_v2', deadLetterTopic: 'dead', logger } as const

/** An instance at work on lines; `out` takes no long records. */
async function working(
  lines: string[],
  options: Partial<KafkaStreamsOptions>,
  write = (stream: KStream<string, string>) => stream.to('out', { name: 'sink' }),
) {
  const cluster = await SimulatedCluster.start(1)
  await cluster.makeTopics(1)
  const config = { 'max.message.bytes': '200' }
  const topics = [{ name: 'out', partitions: 1, config }, ...['dead', 'all'].map(name => ({ name, partitions: 1 }))]
  await cluster.finish(cluster.kafka.admin().topics.create(topics))
  await cluster.publish(lines)
  const builder = new StreamsBuilder()
  write(builder.stream('lines', { key: serde.string, value: serde.string }))
  const app = cluster.instance('one', { ...once, ...options }, builder.build())
  const read = async (name: string) => {
    const contract = topic(name, { key: serde.string, value: serde.string })
    const records = await cluster.finish(Array.fromAsync(cluster.kafka.read(contract, { isolation: 'read_committed' })))
    return records.map(({ value }) => value)
  }
  const committed = async () => (await cluster.finish(cluster.kafka.admin().groups.offsets('app')))[0]?.offset
  return { cluster, app, read, committed }
}

const asking = (asked: ProductionFailure[], answer: NonNullable<ErrorHandlers['production']>): ErrorHandlers => ({
  production(error, at) {
    asked.push(at)
    return answer(error, at)
  },
})

test('with exactly once a refused record is passed over by its handler: the rest and its dead letter are committed, once', async () => {
  const asked: ProductionFailure[] = []
  const lines = ['a', long, 'b', `${long}!`, 'c']
  const { cluster, app, read, committed } = await working(
    lines,
    { handlers: asking(asked, logAndContinue) },
    stream => {
      stream.to('out', { name: 'sink' })
      stream.to('all')
    },
  )
  await cluster.finish(app.start())
  await cluster.until(() => asked.length === 2 && app.state === 'RUNNING')
  await cluster.world.clock.advance(2_000)
  const dropped = app.metrics().find(({ name }) => name === 'dropped-records-total')
  await cluster.finish(app.close())
  assert.equal(dropped?.value, 2)
  assert.deepEqual(
    asked.map(({ node, topic, offset, target }) => [node, topic, offset, target?.topic]),
    [
      ['sink', 'lines', 1, 'out'],
      ['sink', 'lines', 3, 'out'],
    ],
  )
  assert.deepEqual(await read('out'), ['a', 'b', 'c'])
  assert.deepEqual(await read('all'), lines)
  assert.deepEqual(await read('dead'), [long, `${long}!`])
  assert.ok((await committed())! >= 5)
  await cluster.close()
})

test('a refused change of a store is asked about, too, and left out of the changelog', async () => {
  const asked: ProductionFailure[] = []
  const { cluster, app } = await working(['a'], { handlers: asking(asked, () => 'resume') }, stream =>
    stream.groupByKey().reduce((_, value) => value, { store: 'last' }),
  )
  await cluster.finish(app.start())
  await cluster.finish(app.running())
  const name = 'app-last-changelog'
  await cluster.finish(cluster.kafka.admin().configs.alter({ topic: name }, { set: { 'max.message.bytes': '200' } }))
  await cluster.publish([long, 'b'])
  await cluster.until(() => asked.length > 0 && app.state === 'RUNNING')
  await cluster.world.clock.advance(2_000)
  assert.deepEqual(
    asked.map(({ node, target }) => [node, target?.topic]),
    [['store last', name]],
  )
  assert.deepEqual(app.store<string, { value: string }>('last').get('0')?.value, long)
  await cluster.finish(app.close())
  const changes = await cluster.finish(
    Array.fromAsync(cluster.kafka.read(topic(name, { value: serde.string }), { isolation: 'read_committed' })),
  )
  assert.deepEqual(
    changes.map(({ value }) => value),
    ['a', 'b'],
  )
  await cluster.close()
})

test('with exactly once a handler that fails, and none at all, end the instance with node and topic; nothing is committed', async () => {
  for (const handlers of [{}, { production: () => 'fail' as const }, { production: () => 'retry' as const }]) {
    const { cluster, app, read, committed } = await working(['a', long], { handlers })
    await cluster.finish(
      assert.rejects(app.run(), (error: StreamsError) => {
        assert.deepEqual([error.code, error.node, error.topic], ['PRODUCTION', 'node sink', 'out'])
        assert.match(error.message, /node sink wrote to out-0 could not be delivered: .*MESSAGE_TOO_LARGE/)
        return true
      }),
    )
    assert.ok(((await committed()) ?? 0) === 0)
    assert.deepEqual(await read('out'), [])
    await cluster.close()
  }
})

test('a node that writes something else each time is not done again for ever', async () => {
  let times = 0
  const { cluster, app } = await working(['a'], { handlers: { production: () => 'resume' } }, stream =>
    stream.mapValues(() => `${long}${++times}`).to('out', { name: 'sink', value: serde.string }),
  )
  await cluster.finish(
    assert.rejects(app.run(), {
      code: 'PRODUCTION',
      node: 'sink',
      topic: 'out',
      message: /was done 50 times, and each time another record of node sink for out was refused/,
    }),
  )
  await cluster.close()
})

test('nobody is asked about a topic that the application may not write: it ends', async () => {
  const asked: ProductionFailure[] = []
  for (const processingGuarantee of ['at_least_once', 'exactly_once_v2'] as const) {
    const { cluster, app } = await working(
      ['a'],
      { processingGuarantee, handlers: asking(asked, logAndContinue) },
      stream => stream.to(() => 'no such name!', { name: 'sink' }),
    )
    await cluster.finish(assert.rejects(app.run(), { code: 'PRODUCTION' }))
    assert.deepEqual(asked, [])
    await cluster.close()
  }
})

test('a production handler that never settles ends the instance after the task timeout, with the node', async () => {
  for (const processingGuarantee of ['at_least_once', 'exactly_once_v2'] as const) {
    const { cluster, app } = await working([long], {
      ...{ processingGuarantee, taskTimeoutMs: 5_000 },
      handlers: { production: () => new Promise(() => {}) },
    })
    const message = /^The production handler has not settled on a failure of node sink within 5000 ms/
    await cluster.finish(assert.rejects(app.run(), { code: 'TASK_TIMEOUT', node: 'sink', message }))
    await cluster.close()
  }
})

test('whatever happens to instances, each record is either written once or has one dead letter', async () => {
  for (const seed of [1, 2, 3]) {
    const cluster = await SimulatedCluster.start(seed, { weather: { cutChance: 0.005 } })
    const topics = [
      { name: 'lines', partitions: 2 },
      { name: 'out', partitions: 1, config: { 'max.message.bytes': '200' } },
      { name: 'dead', partitions: 1 },
    ]
    await cluster.finish(cluster.kafka.admin().topics.create(topics))
    const builder = new StreamsBuilder()
    builder.stream('lines', { key: serde.string, value: serde.string }).to('out', { name: 'sink' })
    const topology = builder.build()
    let asked = 0
    const production: ErrorHandlers['production'] = (error, at) => {
      asked++
      return logAndContinue(error, at)
    }
    const options = { ...once, handlers: { production } }
    const [one, two] = ['one', 'two'].map(name => cluster.instance(name, options, topology))
    await cluster.finish(Promise.all([one!.start(), two!.start()]))
    const lines = Array.from({ length: 60 }, (_, i) => (i % 7 === 3 ? `${i} ${long}` : `${i}`))
    await cluster.publish(lines)
    await cluster.until(() => asked > seed)
    cluster.world.machine('one').crash()
    await cluster.world.clock.advance(60_000)
    await cluster.finish(two!.close())
    const values = async (name: string) => {
      const contract = topic(name, { value: serde.string })
      const read = Array.fromAsync(cluster.kafka.read(contract, { isolation: 'read_committed' }))
      return (await cluster.finish(read)).map(({ value }) => value!).sort()
    }
    const told = `seed ${seed}`
    assert.deepEqual(await values('out'), lines.filter(line => line.length < 10).sort(), told)
    assert.deepEqual(await values('dead'), lines.filter(line => line.length > 10).sort(), told)
    await cluster.close()
  }
})
