import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde, UsageError } from '@odradek/client'
import { KafkaStreams, type KafkaStreamsOptions, Topology } from '../index.ts'
import { keyValueStore } from '../state/key-value-store.ts'
import { SimulatedCluster } from '../testing/simulated-cluster.ts'

const text = { key: serde.string, value: serde.string }

async function clusterWith(topics: Record<string, number>): Promise<SimulatedCluster> {
  const cluster = await SimulatedCluster.start(1)
  const all = Object.entries(topics).map(([name, partitions]) => ({ name, partitions }))
  await cluster.finish(cluster.kafka.admin().topics.create(all))
  return cluster
}

async function send(
  cluster: SimulatedCluster,
  topic: string,
  records: [key: string, value: string, timestamp: number][],
) {
  const producer = cluster.kafka.producer()
  const bytes = records.map(([key, value, timestamp]) => ({
    ...{ key: Buffer.from(key), value: Buffer.from(value), timestamp },
  }))
  await cluster.finish(producer.sendAll(topic, bytes))
  await cluster.finish(producer.close())
}

async function run(cluster: SimulatedCluster, topology: Topology, options: Partial<KafkaStreamsOptions> = {}) {
  const app = cluster.instance('one', options, topology)
  await cluster.finish(app.start())
  await cluster.until(() => app.state === 'RUNNING')
  return app
}

/** Writes down what reaches it. */
function noting(seen: string[]) {
  return {
    make: () => ({
      process: ({ key, value, timestamp }: { key: string; value: string; timestamp: number }) =>
        void seen.push(`${key} ${value} ${timestamp}`),
    }),
  }
}

function reading(topics: string | readonly string[] | RegExp, seen: string[], more: object = {}): Topology {
  const topology = new Topology()
  topology.addSource('source', { topics, ...text, ...more })
  topology.add({ kind: 'processor', name: 'note', parents: ['source'], ...noting(seen) })
  return topology
}

test('punctuations run by stream time as records bring it on, and by the wall clock without any (streams facts 2.37)', async () => {
  const cluster = await clusterWith({ in: 1 })
  const seen: string[] = []
  const topology = new Topology()
  topology.addSource('source', { topics: 'in', ...text })
  topology.add({
    kind: 'processor',
    name: 'note',
    parents: ['source'],
    make: () => ({
      init(context) {
        context.schedule({ every: 10, by: 'stream-time' }, time => void seen.push(`stream ${time}`))
        context.schedule({ every: 5_000, by: 'wall-clock' }, () => void seen.push('wall'))
      },
      process: ({ value }) => void seen.push(value),
    }),
  })
  const app = await run(cluster, topology)
  await send(cluster, 'in', [
    ['k', 'a', 3],
    ['k', 'b', 5],
    ['k', 'c', 35],
  ])
  await cluster.until(() => seen.length >= 5)
  assert.deepEqual(seen.slice(0, 5), ['a', 'stream 3', 'b', 'c', 'stream 35'])
  await cluster.world.clock.advance(11_000)
  assert.deepEqual(seen.slice(5), ['wall', 'wall'])
  await cluster.close(app)
})

test('a processor that asks for a commit has one after its record', async () => {
  const cluster = await clusterWith({ in: 1 })
  const topology = new Topology()
  topology.addSource('source', { topics: 'in', ...text })
  topology.add({
    kind: 'processor',
    name: 'asks',
    parents: ['source'],
    make: () => {
      let commit = () => {}
      return {
        init: context => {
          commit = () => context.commit()
        },
        process: ({ value }) => (value === 'now' ? commit() : undefined),
      }
    },
  })
  const app = await run(cluster, topology, { commitIntervalMs: 1_000_000 })
  await send(cluster, 'in', [
    ['k', 'a', 1],
    ['k', 'now', 2],
  ])
  await cluster.world.clock.advance(2_000)
  const [committed] = await cluster.finish(cluster.kafka.admin().groups.offsets('app'))
  assert.equal(committed?.offset, 2)
  await cluster.close(app)
})

test('an extractor tells the time, knowing that of the partition; what is negative is passed over (streams facts 2.36)', async () => {
  const cluster = await clusterWith({ in: 1 })
  const seen: string[] = []
  const times: number[] = []
  const timestampOf = ({ value }: { value: unknown }, partitionTime: number) => {
    times.push(partitionTime)
    return Number(value)
  }
  const app = await run(cluster, reading('in', seen, { timestampOf }))
  await send(cluster, 'in', [
    ['a', '70', 1],
    ['b', '-1', 2],
    ['c', '20', 3],
    ['d', '90', 4],
  ])
  await cluster.until(() => seen.length === 3)
  assert.deepEqual(seen, ['a 70 70', 'c 20 20', 'd 90 90'])
  assert.deepEqual(times, [-1, 70, 70, 70])
  await cluster.close(app)
})

test('a source of an expression reads what matches, also what comes later', async () => {
  const cluster = await clusterWith({ 'in-a': 1, 'in-b': 2, other: 1 })
  const seen: string[] = []
  const app = await run(cluster, reading(/^in-/, seen), { consumer: { metadataMaxAgeMs: 1_000 } })
  assert.deepEqual(
    app.tasks().map(({ id, inputs }) => [id, inputs.length]),
    [
      ['0_0', 2],
      ['0_1', 1],
    ],
  )
  await cluster.finish(cluster.kafka.admin().topics.create([{ name: 'in-c', partitions: 1 }]))
  await cluster.until(() => app.state === 'RUNNING' && app.tasks().some(({ inputs }) => inputs.length === 3))
  await send(cluster, 'in-c', [['c', 'late', 1]])
  await send(cluster, 'in-a', [['a', 'x', 2]])
  await cluster.until(() => seen.length === 2)
  assert.deepEqual(seen.sort(), ['a x 2', 'c late 1'])
  await cluster.close(app)
})

test('a source may begin at the end, or refuse to begin without a committed offset', async () => {
  const cluster = await clusterWith({ in: 1 })
  await send(cluster, 'in', [['k', 'before', 1]])
  const seen: string[] = []
  const app = await run(cluster, reading('in', seen, { offsetReset: 'latest' }))
  await cluster.world.clock.advance(1_000)
  await send(cluster, 'in', [['k', 'after', 2]])
  await cluster.until(() => seen.length === 1)
  assert.deepEqual(seen, ['k after 2'])
  const strict = cluster.instance('two', { applicationId: 'strict' }, reading('in', [], { offsetReset: 'none' }))
  await cluster.finish(
    assert.rejects(strict.run(), /Source source cannot begin to read in-0: there is no committed offset,/),
  )
  await cluster.close(app)
})

test('the record with the lowest timestamp comes first, and an input that is empty here is waited for (streams facts 2.28, 2.29)', async () => {
  const cluster = await clusterWith({ a: 1, b: 1 })
  await send(
    cluster,
    'a',
    Array.from({ length: 200 }, (_, i) => ['a', String(i), i * 2] as [string, string, number]),
  )
  await send(
    cluster,
    'b',
    Array.from({ length: 200 }, (_, i) => ['b', String(i), i * 2 + 1] as [string, string, number]),
  )
  const seen: string[] = []
  const app = await run(cluster, reading(['a', 'b'], seen))
  await cluster.until(() => seen.length === 400)
  const times = seen.map(line => Number(line.split(' ')[2]))
  assert.deepEqual(
    times,
    Array.from({ length: 400 }, (_, i) => i),
  )
  await cluster.close(app)
})

test('above 0, `maxTaskIdleMs` is how long a task waits for an input that has nothing', async () => {
  const cluster = await clusterWith({ a: 1, b: 1 })
  const seen: string[] = []
  const app = await run(cluster, reading(['a', 'b'], seen), { maxTaskIdleMs: 3_000 })
  await send(cluster, 'a', [['a', 'x', 10]])
  await cluster.world.clock.advance(2_000)
  assert.deepEqual(seen, [])
  await send(cluster, 'b', [['b', 'y', 5]])
  await cluster.until(() => seen.length === 2 || cluster.world.clock.now() < 0)
  assert.deepEqual(seen, ['b y 5', 'a x 10'])
  await cluster.close(app)
})

test('a paused instance takes no records and keeps its place', async () => {
  const cluster = await clusterWith({ in: 1 })
  const seen: string[] = []
  const app = await run(cluster, reading('in', seen))
  app.pause()
  await send(cluster, 'in', [['k', 'v', 1]])
  await cluster.world.clock.advance(60_000)
  assert.deepEqual([seen, app.state], [[], 'RUNNING'])
  app.resume()
  await cluster.until(() => seen.length === 1)
  await cluster.close(app)
})

test('a global store is there whole before the first record, and follows its topic (streams facts 2.43)', async () => {
  const cluster = await clusterWith({ names: 3, in: 1 })
  await send(
    cluster,
    'names',
    Array.from({ length: 30 }, (_, i) => [`${i}`, `name ${i}`, i] as [string, string, number]),
  )
  await send(cluster, 'in', [['7', 'x', 100]])
  const seen: string[] = []
  const topology = new Topology()
  const store = keyValueStore<string, string>({ name: 'names', ...text, options: { logging: false } })
  topology.addGlobalStore(store, {
    ...text,
    source: 'names-source',
    topic: 'names',
    name: 'names-processor',
    processor: {
      process: ({ key, value }, context) => void context.store<any>('names').put(key, value),
    },
  })
  topology.addSource('source', { topics: 'in', ...text })
  topology.add({
    kind: 'processor',
    name: 'look',
    parents: ['source'],
    make: () => {
      let names: any
      return {
        init: context => {
          names = context.store('names')
        },
        process: ({ key }) => void seen.push(names.get(key) ?? 'nobody'),
      }
    },
  })
  const app = await run(cluster, topology)
  await cluster.until(() => seen.length === 1)
  assert.deepEqual(seen, ['name 7'])
  await send(cluster, 'names', [['7', 'another name', 200]])
  await cluster.world.clock.advance(1_000)
  await send(cluster, 'in', [['7', 'x', 300]])
  await cluster.until(() => seen.length === 2)
  assert.equal(seen[1], 'another name')
  await cluster.close(app)
})

test('settings that cannot be right are refused, by name and with what to write', () => {
  const make = (options: object) => () =>
    new KafkaStreams(reading('in', []), { applicationId: 'app', brokers: 'localhost', ...options })
  assert.throws(make({ maxTaskIdleMs: -2 }), new UsageError('`maxTaskIdleMs` is -2; write a whole number, at least -1'))
  assert.throws(make({ processingGuarantee: 'exactly_once' }), /write 'at_least_once' or 'exactly_once_v2'/)
  assert.throws(make({ defaultStore: 'rocksDB' }), /write 'disk' or 'memory'/)
  assert.throws(make({ applicationServer: 'nowhere' }), /host:port/)
  assert.throws(make({ commitIntervalMs: 0.5 }), /`commitIntervalMs` is 0.5/)
})
