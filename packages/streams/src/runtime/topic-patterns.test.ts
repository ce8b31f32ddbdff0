/** Sources that read all topics whose names match. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde } from '@odradek/client'
import { type KStream, StreamsBuilder, type Topology } from '../index.ts'
import { SimulatedCluster } from '../testing/simulated-cluster.ts'

const text = { key: serde.string, value: serde.string }

async function clusterWith(widths: Record<string, number>) {
  const cluster = await SimulatedCluster.start(1)
  const create = (more: Record<string, number>) =>
    cluster.finish(
      cluster.kafka.admin().topics.create(Object.entries(more).map(([name, partitions]) => ({ name, partitions }))),
    )
  await create(widths)
  return { cluster, create }
}

function reading(pattern: RegExp, write: (stream: KStream<string, string>, builder: StreamsBuilder) => void): Topology {
  const builder = new StreamsBuilder()
  write(builder.stream(pattern, { ...text, name: 'in' }), builder)
  return builder.build()
}

const joined = reading(/^in-/, (stream, builder) => {
  stream.join(builder.table('rates', { ...text, name: 'rates', store: 'rates' }), (a, b) => a + b).to('out')
})

test('topics that match and are joined must have equal numbers of partitions, from the start (streams facts 2.27)', async () => {
  const { cluster } = await clusterWith({ 'in-a': 2, 'in-b': 3, rates: 2, out: 1 })
  await cluster.finish(
    assert.rejects(
      cluster.instance('one', {}, joined).start(),
      /joined must have equal numbers of partitions: 'in-a' has 2 \(read by in\); 'in-b' has 3 \(read by in\); 'rates' has 2 \(read by rates-source\)/,
    ),
  )
  const topics = await cluster.finish(Array.fromAsync(cluster.kafka.admin().topics.list()))
  assert.ok(!topics.some(({ name }) => name.startsWith('app-')), 'nothing was made')
  await cluster.close()
})

test('so must those that come while the application runs: others end it (streams facts 2.27)', async () => {
  const { cluster, create } = await clusterWith({ 'in-a': 2, rates: 2, out: 1 })
  const app = cluster.instance('one', { consumer: { metadataMaxAgeMs: 5_000 } }, joined)
  await cluster.finish(app.start())
  const ended = assert.rejects(
    app.run(),
    /equal numbers of partitions: 'in-a' has 2 .*'in-b' has 2 .*'in-c' has 4 \(read by in\)/,
  )
  await cluster.until(() => app.tasks().length === 2)
  await create({ 'in-b': 2 })
  await cluster.until(() => app.tasks().some(({ inputs }) => inputs.some(({ topic }) => topic === 'in-b')))
  assert.equal(app.tasks().length, 2)
  await create({ 'in-c': 4 })
  await cluster.finish(ended)
  await cluster.close()
})

test('what is counted of topics that match is kept in a changelog as wide as the widest; a wider one ends the application', async () => {
  const { cluster, create } = await clusterWith({ 'in-a': 2, 'in-b': 3 })
  const counting = reading(/^IN-/gi, stream => void stream.groupBy(value => value, text).count({ store: 'words' }))
  const app = cluster.instance('one', { consumer: { metadataMaxAgeMs: 5_000 } }, counting)
  await cluster.finish(app.start())
  const ended = assert.rejects(
    app.run(),
    /'app-words-repartition' has 3 partitions and must have 4, as many as the topics that feed/,
  )
  await cluster.until(() => app.tasks().length === 6)
  await create({ 'in-c': 3 })
  await cluster.until(() => app.tasks().some(({ inputs }) => inputs.some(({ topic }) => topic === 'in-c')))
  await create({ 'in-d': 4 })
  await cluster.finish(ended)
  await cluster.close()
})

test('where no topic matches yet, the width of changelogs cannot be told, and the error says so', async () => {
  const { cluster } = await clusterWith({})
  const counting = reading(/^in-/, stream => void stream.groupByKey().count({ store: 'words' }))
  await cluster.finish(
    assert.rejects(cluster.instance('one', {}, counting).start(), /no topic that matches \/\^in-\/ \(read by in\)/),
  )
  await cluster.close()
})
