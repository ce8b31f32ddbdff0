import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createConsumerEngine } from '@odradek/client'
import type { KafkaStreams } from '../index.ts'
import { SimulatedCluster } from '../testing/simulated-cluster.ts'
import { decodePartitionTime } from './partition-time.ts'

const countOf = (app: KafkaStreams, word: string) => app.store<string, number>('words').get(word)?.value
const isRestoring = (app: KafkaStreams) => app.tasks().some(task => task.isRestoring)
const sizeOf = (app: KafkaStreams) => (app.state === 'RUNNING' ? app.store('words').size : -1)
const changelog = 'app-words-changelog'

/** One instance counts the lines and goes. */
async function counted(lines: readonly string[], partitions = 1): Promise<SimulatedCluster> {
  const cluster = await SimulatedCluster.start(7)
  await cluster.makeTopics(partitions)
  await cluster.publish(lines)
  const app = cluster.instance('before')
  await cluster.finish(app.start())
  const distinct = new Set(lines.flatMap(line => line.split(' '))).size
  await cluster.until(() => sizeOf(app) === distinct)
  await cluster.world.clock.advance(1_000)
  await cluster.finish(app.close())
  return cluster
}

/** Brokers guard topics that are only compacted against deletion, and against records without a key. */
function allowDeletion(cluster: SimulatedCluster): Promise<void> {
  const change = { set: { 'cleanup.policy': 'delete' } }
  return cluster.finish(cluster.kafka.admin().configs.alter({ topic: changelog }, change))
}

test('a store comes back from its changelog with values and timestamps', async () => {
  const cluster = await counted(['a b a', 'c'])
  const app = cluster.instance('after')
  await cluster.finish(app.start())
  await cluster.finish(app.running())
  const entries = [...app.store<string, number>('words').all()]
  assert.deepEqual(
    entries.map(([word, { value }]) => [word, value]),
    [
      ['a', 2],
      ['b', 1],
      ['c', 1],
    ],
  )
  const read = cluster.finish(Array.fromAsync(cluster.kafka.read('counts')))
  const written = new Map((await read).map(({ key, timestamp }) => [Buffer.from(key!).toString(), timestamp]))
  for (const [word, { timestamp }] of entries) assert.equal(timestamp, written.get(word))
  await cluster.close(app)
})

test('a changelog that was cut short, or emptied, ends nevertheless', async () => {
  const cluster = await counted(['a a b b c'])
  await allowDeletion(cluster)
  const { topics } = cluster.kafka.admin()
  await cluster.finish(topics.deleteRecords([{ topic: changelog, partition: 0, before: 3 }]))
  const some = cluster.instance('some')
  await cluster.finish(some.start())
  await cluster.finish(some.running())
  assert.deepEqual([countOf(some, 'a'), countOf(some, 'b'), countOf(some, 'c')], [undefined, 2, 1])
  await cluster.finish(some.close())
  await cluster.finish(topics.deleteRecords([{ topic: changelog, partition: 0, before: -1 }]))
  const none = cluster.instance('none')
  await cluster.finish(none.start())
  await cluster.finish(none.running())
  assert.equal(none.store('words').size, 0)
  await cluster.publish(['a'])
  await cluster.until(() => countOf(none, 'a') === 1)
  await cluster.close(none)
})

test('a null in the changelog removes, and a record without a key is passed over', async () => {
  const cluster = await counted(['a b c'])
  await allowDeletion(cluster)
  const producer = cluster.kafka.producer()
  for (const key of ['b', null]) {
    const record = { key: key && Buffer.from(key), value: key ? null : Buffer.from('x'), partition: 0 }
    await cluster.finish(producer.send(changelog, record))
  }
  const app = cluster.instance('after')
  await cluster.finish(app.start())
  await cluster.finish(app.running())
  assert.deepEqual(
    [...app.store('words').all()].map(([word]) => word),
    ['a', 'c'],
  )
  await cluster.close(app)
})

test('instances that come and go while stores are restored leave every count as it was', async () => {
  const words = Array.from({ length: 3_000 }, (_, i) => `word${i}`)
  const cluster = await counted(words, 3)
  const first = cluster.instance('first')
  await cluster.finish(first.start())
  await cluster.until(() => isRestoring(first))
  const second = cluster.instance('second')
  await cluster.finish(second.start())
  await cluster.until(() => isRestoring(second))
  assert.throws(() => second.store('words'), { code: 'STORE_NOT_READY', retriable: true })
  const third = cluster.instance('third')
  await cluster.finish(third.start())
  await cluster.until(() => third.tasks().length > 0 && isRestoring(third))
  await cluster.finish(first.close())
  await cluster.until(() => sizeOf(second) + sizeOf(third) === 3_000)
  await cluster.finish(Promise.all([second.close(), third.close()]))
  const { last, updates } = await cluster.counts()
  assert.equal(updates, 3_000)
  assert.ok(Object.values(last).every(count => count === 1))
  await cluster.close()
})

test('what was committed is read back: time does not begin anew, and nothing is committed twice', async () => {
  const cluster = await counted(['a b', 'c'])
  const engine = createConsumerEngine(cluster.kafka.cluster, { group: 'app' })
  const committed = () =>
    cluster.finish(
      engine.committed([
        { topic: 'lines', partition: 0 },
        { topic: 'app-words-repartition', partition: 0 },
      ]),
    )
  const before = await committed()
  assert.deepEqual(
    before.map(found => found?.offset),
    [2, 3],
  )
  assert.ok(before.every(found => decodePartitionTime(found!.metadata) > 1_577_836_800_000))
  const app = cluster.instance('after')
  await cluster.finish(app.start())
  await cluster.finish(app.running())
  await cluster.finish(app.close())
  assert.deepEqual(await committed(), before)
  await cluster.finish(engine.close())
  await cluster.close()
})

test('what has been processed is deleted from repartition topics, and from no other (streams facts 2.48)', async () => {
  const cluster = await counted([])
  const app = cluster.instance('after', { commitIntervalMs: 1_000 })
  await cluster.finish(app.start())
  await cluster.publish(['a b c'])
  await cluster.until(() => sizeOf(app) === 3)
  await cluster.world.clock.advance(31_000)
  await cluster.publish(['d'])
  await cluster.world.clock.advance(5_000)
  const { topics } = cluster.kafka.admin()
  const startOf = async (topic: string) => (await cluster.finish(topics.offsets(topic, 'earliest')))[0]!.offset
  assert.equal(await startOf('app-words-repartition'), 4)
  assert.equal(await startOf('lines'), 0)
  assert.equal(await startOf(changelog), 0)
  await cluster.close(app)
})
