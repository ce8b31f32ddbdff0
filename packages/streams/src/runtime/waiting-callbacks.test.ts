/** Callbacks that take long, and those that never settle, wherever they are waited for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde, topic } from '@odradek/client'
import { sleep } from '@odradek/world'
import {
  KafkaStreams,
  type KafkaStreamsOptions,
  type KStream,
  StreamsBuilder,
  type StreamsError,
  type Topology,
} from '../index.ts'
import { commitChannel } from '../metrics/diagnostics.ts'
import { SimulatedCluster } from '../testing/simulated-cluster.ts'

const text = { key: serde.string, value: serde.string }
const never = () => new Promise<any>(() => {})

function reading(write: (lines: KStream<string, string>) => void, finish: (topology: Topology) => void = () => {}) {
  const builder = new StreamsBuilder()
  write(builder.stream('lines', text))
  const topology = builder.build()
  finish(topology)
  return topology
}

async function clusterWith(lines: readonly string[], partitions = 1) {
  const cluster = await SimulatedCluster.start(1)
  await cluster.makeTopics(partitions)
  await cluster.publish(lines)
  return cluster
}

/** Every line, after as many milliseconds as it says. */
const slowly = (cluster: SimulatedCluster, seen: string[], around: (change: 1 | -1) => void = () => {}) =>
  reading(lines =>
    lines
      .mapValues(
        async line => {
          around(1)
          await sleep(cluster.world.clock, Number(line))
          around(-1)
          seen.push(line)
          return line
        },
        { name: 'slow' },
      )
      .to('counts', text),
  )

const valuesIn = async (cluster: SimulatedCluster, name: string) => {
  const read = Array.fromAsync(cluster.kafka.read(topic(name, text)))
  return (await cluster.finish(read)).map(({ value }) => value)
}

test('no commit comes between a callback and its end, however long it takes (streams facts 2.53)', async () => {
  const lines = ['3000', '10', '2500', '0', '700']
  const cluster = await clusterWith(lines)
  let running = 0
  let commits = 0
  const seen: string[] = []
  const onCommit = () => {
    commits++
    assert.equal(running, 0)
  }
  commitChannel.subscribe(onCommit)
  const app = cluster.instance(
    'one',
    { commitIntervalMs: 500 },
    slowly(cluster, seen, change => (running += change)),
  )
  await cluster.finish(app.start())
  await cluster.until(() => seen.length === 5)
  await cluster.finish(app.close())
  commitChannel.unsubscribe(onCommit)
  assert.ok(commits >= 3, `${commits}`)
  assert.deepEqual(await valuesIn(cluster, 'counts'), lines)
  await cluster.close()
})

test('a callback that waits for longer than the session keeps its place: heartbeats go on (streams facts 2.53)', async () => {
  const cluster = await clusterWith(['35000', '1'])
  const seen: string[] = []
  const first = cluster.instance('one', {}, slowly(cluster, seen))
  await cluster.finish(first.start())
  await cluster.finish(first.running())
  await cluster.world.clock.advance(30_000) // sessions end after 10,000
  const group = await cluster.finish(cluster.kafka.admin().groups.describe('app'))
  assert.deepEqual([group.state, group.members.length, seen], ['Stable', 1, []])
  await cluster.until(() => seen.length === 2)
  await cluster.finish(first.close())
  assert.deepEqual(await valuesIn(cluster, 'counts'), ['35000', '1'])
  await cluster.close()
})

/** What ends an instance at a callback that never settles, and after how long. */
async function endOf(topology: Topology, lines: readonly string[], options: Partial<KafkaStreamsOptions>) {
  const cluster = await clusterWith(lines)
  const app = cluster.instance('one', options, topology)
  const before = cluster.world.clock.monotonic()
  const ended: Promise<StreamsError> = app.run().then(
    () => assert.fail('it ran to a peaceful end'),
    error => error,
  )
  const error = await cluster.finish(ended)
  const afterMs = cluster.world.clock.monotonic() - before
  assert.equal(app.state, 'ERROR')
  const offsets = await cluster.finish(cluster.kafka.admin().groups.offsets('app'))
  await cluster.close()
  return { code: error.code, node: error.node, message: error.message, afterMs, committed: offsets[0]?.offset ?? 0 }
}

test('a callback may take as long as the group waits for a poll: then its node and record are named, and no other instance inherits it silently', async () => {
  const stuck = reading(lines => lines.mapValues(never, { name: 'stuck' }).to('counts', text))
  const told = await endOf(stuck, ['a'], { consumer: { sessionTimeoutMs: 10_000, maxPollIntervalMs: 40_000 } })
  assert.deepEqual([told.code, told.node, told.committed], ['TASK_TIMEOUT', 'stuck', 0])
  assert.match(told.message, /has not settled on the record at offset 0 of lines-0 within 40000 ms/)
  assert.ok(told.afterMs >= 40_000 && told.afterMs < 50_000, `${told.afterMs}`)
  const settings = { applicationId: 'app', brokers: 'localhost:9092', consumer: { maxPollIntervalMs: 40_000 } }
  assert.throws(
    () => new KafkaStreams(stuck, { ...settings, taskTimeoutMs: 40_001 }),
    /`taskTimeoutMs` is 40001, .* not polled for 40000 ms: raise `consumer.maxPollIntervalMs`/,
  )
})

test('so does a punctuation that never settles', async () => {
  const topology = reading(
    lines => lines.to('counts', text),
    topology =>
      topology.add({
        kind: 'processor',
        name: 'alarm',
        parents: ['KSTREAM-SOURCE-0000000000'],
        make: () => ({
          init: context => void context.schedule({ every: 1_000, by: 'wall-clock' }, never),
          process() {},
        }),
      }),
  )
  const told = await endOf(topology, [], { taskTimeoutMs: 5_000 })
  assert.deepEqual([told.code, told.node], ['TASK_TIMEOUT', 'alarm'])
  assert.match(told.message, /^Node alarm of task 0_0 has not settled on a punctuation within 5000 ms/)
})

test('so does a callback that a commit waits for, behind a cache; nothing is committed', async () => {
  const topology = reading(lines =>
    lines.groupByKey().count({ store: 'words' }).toStream().mapValues(never, { name: 'stuck' }).to('counts', text),
  )
  const told = await endOf(topology, ['a'], { taskTimeoutMs: 5_000, commitIntervalMs: 1_000, cacheMaxBytes: 1_000_000 })
  assert.deepEqual([told.code, told.node, told.committed], ['TASK_TIMEOUT', 'stuck', 0])
})

test('so does a handler: the error names the source that could not read, or the node that failed', async () => {
  const builder = new StreamsBuilder()
  builder.stream('lines', { key: serde.string, value: serde.json<number>() }).to('counts')
  const reader = await endOf(builder.build(), ['{'], { taskTimeoutMs: 5_000, handlers: { deserialization: never } })
  assert.deepEqual([reader.code, reader.node], ['TASK_TIMEOUT', 'KSTREAM-SOURCE-0000000000'])
  const fail = () => {
    throw new Error('no')
  }
  const failing = reading(lines => lines.mapValues(fail as () => string, { name: 'failing' }).to('counts', text))
  const failed = await endOf(failing, ['a'], { taskTimeoutMs: 5_000, handlers: { processing: never } })
  assert.deepEqual([failed.code, failed.node], ['TASK_TIMEOUT', 'failing'])
})

test('closing waits for a callback, but not once it is told to wait no more', async () => {
  const cluster = await clusterWith(['a'])
  let isStuck = false
  const stuck = () => {
    isStuck = true
    return never()
  }
  const app = cluster.instance(
    'one',
    {},
    reading(lines => lines.mapValues(stuck).to('counts', text)),
  )
  await cluster.finish(app.start())
  await cluster.until(() => isStuck)
  const abandon = new AbortController()
  let isClosed = false
  const closing = app.close({ signal: abandon.signal }).then(() => (isClosed = true))
  await cluster.world.clock.advance(10_000)
  assert.deepEqual([isClosed, app.state], [false, 'PENDING_SHUTDOWN'])
  abandon.abort()
  await cluster.finish(closing)
  assert.equal(app.state, 'NOT_RUNNING')
  await cluster.close()
})
