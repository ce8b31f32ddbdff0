/** Where an instance goes on when the offset that its group has committed is not in the log any more. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createConsumerEngine, serde } from '@odradek/client'
import { type KafkaStreamsOptions, type StreamsError, Topology } from '../index.ts'
import { SimulatedCluster } from '../testing/simulated-cluster.ts'

const text = { key: serde.string, value: serde.string }

function reading(seen: string[], more: object): Topology {
  const topology = new Topology()
  topology.addSource('lines-source', { topics: 'in', ...text, ...more })
  topology.addProcessor('note', {
    parents: 'lines-source',
    processor: () => ({ process: ({ value }: { value: string }) => void seen.push(value) }),
  })
  return topology
}

async function send(cluster: SimulatedCluster, values: readonly string[]): Promise<void> {
  const producer = cluster.kafka.producer()
  const records = values.map(value => ({ key: Buffer.from('k'), value: Buffer.from(value) }))
  await cluster.finish(producer.sendAll('in', records))
  await cluster.finish(producer.close())
}

async function committed(cluster: SimulatedCluster): Promise<number | undefined> {
  const engine = createConsumerEngine(cluster.kafka.cluster, { group: 'app' })
  const [found] = await cluster.finish(engine.committed([{ topic: 'in', partition: 0 }]))
  await cluster.finish(engine.close())
  return found?.offset
}

/** The group has committed offset 3, and the log begins at 5 and ends at 7. */
async function cutTopic(): Promise<SimulatedCluster> {
  const cluster = await SimulatedCluster.start(3)
  const { topics } = cluster.kafka.admin()
  await cluster.finish(topics.create([{ name: 'in', partitions: 1 }]))
  await send(cluster, ['a', 'b', 'c'])
  const seen: string[] = []
  const app = cluster.instance('one', {}, reading(seen, {}))
  await cluster.finish(app.start())
  await cluster.until(() => seen.length === 3)
  await cluster.finish(app.close())
  assert.equal(await committed(cluster), 3)
  await send(cluster, ['d', 'e', 'f', 'g'])
  await cluster.finish(topics.deleteRecords([{ topic: 'in', partition: 0, before: 5 }]))
  return cluster
}

async function seenAfterCut(source: object, options: Partial<KafkaStreamsOptions> = {}): Promise<string[]> {
  const cluster = await cutTopic()
  const seen: string[] = []
  const app = cluster.instance('two', options, reading(seen, source))
  await cluster.finish(app.start())
  await cluster.until(() => app.state === 'RUNNING')
  await cluster.world.clock.advance(5_000)
  await send(cluster, ['h'])
  await cluster.until(() => seen.includes('h'))
  await cluster.close(app)
  return seen
}

test('a source goes on where it says when its committed offset is gone, whatever the application says', async () => {
  assert.deepEqual(await seenAfterCut({ offsetReset: 'latest' }), ['h'])
  assert.deepEqual(await seenAfterCut({ offsetReset: 'earliest' }, { consumer: { from: 'latest' } }), ['f', 'g', 'h'])
  assert.deepEqual(await seenAfterCut({ offsetReset: { durationMs: 3_600_000 } }), ['f', 'g', 'h'])
  assert.deepEqual(await seenAfterCut({}), ['f', 'g', 'h'])
  assert.deepEqual(await seenAfterCut({}, { consumer: { from: 'latest' } }), ['h'])
})

test('a source that may not choose ends the instance with one error that names node, topic and partition', async () => {
  for (const [source, options] of [
    [{ offsetReset: 'none' }, {}],
    [{}, { consumer: { from: 'fail' } }],
  ] as const) {
    const cluster = await cutTopic()
    const app = cluster.instance('two', options, reading([], source))
    const error: StreamsError = await cluster.finish(
      app.run().then(
        () => assert.fail('it went on'),
        error => error,
      ),
    )
    const { code, node, topic, partition } = error
    assert.deepEqual(
      { code, node, topic, partition },
      { code: 'NO_START', node: 'lines-source', topic: 'in', partition: 0 },
    )
    assert.match(error.message, /Source lines-source cannot begin to read in-0: offset 3 is out of range, /)
    await cluster.close()
  }
})

test('what is read of a topic that was made anew is committed, though its offsets are lower', async () => {
  const cluster = await cutTopic()
  const { topics } = cluster.kafka.admin()
  const seen: string[] = []
  const app = cluster.instance('two', { commitIntervalMs: 1_000 }, reading(seen, {}))
  await cluster.finish(app.start())
  await cluster.until(() => seen.includes('g'))
  await cluster.world.clock.advance(2_000)
  assert.equal(await committed(cluster), 7)
  await cluster.finish(topics.delete(['in']))
  await cluster.finish(topics.create([{ name: 'in', partitions: 1 }]))
  await send(cluster, ['x', 'y'])
  await cluster.until(() => seen.includes('y'))
  await cluster.world.clock.advance(2_000)
  assert.equal(await committed(cluster), 2)
  await cluster.close(app)
})

test('a transaction that is lost before the first commit begins again where the source began', async () => {
  const cluster = await SimulatedCluster.start(4)
  const topics = ['in', 'out'].map(name => ({ name, partitions: 1 }))
  await cluster.finish(cluster.kafka.admin().topics.create(topics))
  await send(cluster, ['before'])
  const seen: string[] = []
  const app = cluster.instance(
    'one',
    {
      ...{ processingGuarantee: 'exactly_once_v2', commitIntervalMs: 20_000, logger: { warn() {}, error() {} } },
      producer: { transactionTimeoutMs: 3_000 },
    },
    reading(seen, { offsetReset: 'latest' }).addSink('written', { parents: 'lines-source', topic: 'out', ...text }),
  )
  await cluster.finish(app.start())
  await cluster.until(() => app.state === 'RUNNING')
  await cluster.world.clock.advance(1_000)
  await send(cluster, ['a'])
  await cluster.until(() => seen.length === 2)
  await cluster.close(app)
  assert.deepEqual(seen, ['a', 'a'])
})
