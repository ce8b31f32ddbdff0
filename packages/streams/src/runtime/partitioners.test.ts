/** Sinks that choose the partition. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde } from '@odradek/client'
import { StreamsBuilder } from '../index.ts'
import { SimulatedCluster } from '../testing/simulated-cluster.ts'

/** Writes two lines to `out`, each to its last partition; answers how many partitions it was told of, and where the lines are. */
async function written(partitions: number, to: string | (() => string)) {
  const cluster = await SimulatedCluster.start(1, { config: { 'num.partitions': '4' } })
  await cluster.makeTopics(1)
  if (partitions > 0) await cluster.finish(cluster.kafka.admin().topics.create({ name: 'out', partitions }))
  const told: number[] = []
  const builder = new StreamsBuilder()
  builder.stream('lines', { key: serde.string, value: serde.string }).to(to, {
    partitionOf: (_key, _value, { partitions }) => {
      told.push(partitions)
      return partitions - 1
    },
  })
  const app = cluster.instance('one', { commitIntervalMs: 100 }, builder.build())
  await cluster.finish(app.start())
  await cluster.publish(['a', 'b'])
  await cluster.until(() => app.state === 'RUNNING' && told.length === 2)
  await cluster.finish(app.close())
  const places = (await cluster.finish(Array.fromAsync(cluster.kafka.read('out')))).map(record => record.partition)
  await cluster.close()
  return { told, places }
}

test('partitioners are told how wide a topic is that the application only writes', async () => {
  assert.deepEqual(await written(3, 'out'), { told: [3, 3], places: [2, 2] })
})

test('they are told so of a topic that is chosen for the record', async () => {
  assert.deepEqual(await written(3, () => 'out'), { told: [3, 3], places: [2, 2] })
})

test('they are told so of a topic that the brokers make with its first record', async () => {
  assert.deepEqual(await written(0, 'out'), { told: [4, 4], places: [3, 3] })
})
