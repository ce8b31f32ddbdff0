import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde } from '@odradek/client'
import {
  deadLetter,
  type ErrorHandlers,
  type KafkaStreamsOptions,
  StreamsBuilder,
  type StreamsError,
} from '../index.ts'
import { SimulatedCluster } from '../testing/simulated-cluster.ts'

/** An instance that has read two lines, and writes them where there is no topic. */
async function writingNowhere(
  options: Partial<KafkaStreamsOptions>,
  to: string | (() => string) = 'nowhere',
  partitionOf?: () => number,
) {
  const cluster = await SimulatedCluster.start(1, { config: { 'auto.create.topics.enable': 'false' } })
  await cluster.finish(cluster.kafka.admin().topics.create({ name: 'lines', partitions: 1 }))
  const told: { at: number; fields: object; message: string }[] = []
  const tell = (fields: object, message: string) => told.push({ at: cluster.world.clock.now(), fields, message })
  const builder = new StreamsBuilder()
  builder
    .stream('lines', { key: serde.string, value: serde.string })
    .to(to, { name: 'out', ...(partitionOf && { partitionOf }) })
  const logger = { warn: tell, error: tell }
  const app = cluster.instance('one', { logger, commitIntervalMs: 100, ...options }, builder.build())
  await cluster.finish(app.start())
  await cluster.until(() => app.state === 'RUNNING')
  await cluster.world.clock.advance(5_000)
  assert.equal(told.length, 0, 'nothing is to be written there yet')
  const begin = cluster.world.clock.now()
  await cluster.publish(['a', 'b'])
  return { cluster, app, told, since: () => cluster.world.clock.now() - begin, begin }
}

function assertNamed(error: StreamsError) {
  assert.deepEqual([error.code, error.node, error.topic], ['PRODUCTION', 'node out', 'nowhere'])
  assert.match(error.message, /^What node out wrote to nowhere could not be delivered: .*UNKNOWN_TOPIC_OR_PARTITION/)
  return true
}

for (const processingGuarantee of ['at_least_once', 'exactly_once_v2'] as const) {
  test(`a sink topic that is missing is told soon, and ends the instance: ${processingGuarantee}`, async () => {
    const { cluster, app, told, begin, since } = await writingNowhere({ processingGuarantee })
    await cluster.finish(assert.rejects(app.run(), assertNamed))
    assert.equal(app.state, 'ERROR')
    assert.ok(since() > 25_000 && since() < 35_000, `after ${since()} ms`)
    assert.match(told[0]!.message, /is not there.*odradek topic create nowhere/)
    assert.deepEqual(told[0]!.fields, { topic: 'nowhere', node: 'node out' })
    assert.ok(told[0]!.at - begin < 2_000, `told after ${told[0]!.at - begin} ms`)
    await cluster.close()
  })

  test(`who closes the instance does not wait for a topic that is missing: ${processingGuarantee}`, async () => {
    for (const afterMs of [100, 3_000]) {
      const { cluster, app, since } = await writingNowhere({ processingGuarantee })
      await cluster.world.clock.advance(afterMs)
      const before = since()
      await cluster.finish(assert.rejects(app.close(), assertNamed))
      assert.ok(since() - before < 2_000, `after ${since() - before} ms`)
      await cluster.close()
    }
  })

  test(`a missing sink topic that is made meanwhile gets everything: ${processingGuarantee}`, async () => {
    const { cluster, app, told } = await writingNowhere({ processingGuarantee })
    await cluster.until(() => told.length > 0)
    await cluster.finish(cluster.kafka.admin().topics.create({ name: 'nowhere', partitions: 1 }))
    const isRead = async () => {
      const read = cluster.kafka.read('nowhere', { isolation: 'read_committed' })
      return (await cluster.finish(Array.fromAsync(read))).length === 2
    }
    while (!(await isRead())) await cluster.world.clock.advance(1_000)
    await cluster.world.clock.advance(60_000)
    assert.equal(app.state, 'RUNNING')
    await cluster.finish(app.close())
    await cluster.close()
  })
}

test('a missing topic that was chosen for a record is named with the sinks that choose', async () => {
  const { cluster, app } = await writingNowhere({}, () => 'nowhere')
  await cluster.world.clock.advance(2_000)
  await cluster.finish(assert.rejects(app.close(), assertNamed))
  await cluster.close()
})

test('a missing topic of dead letters is told soon, too, and not waited for', async () => {
  const processing: ErrorHandlers['processing'] = (error, at) => ({
    answer: 'resume',
    deadLetters: [deadLetter(error, at)],
  })
  const options = { deadLetterTopic: 'dead', handlers: { processing } }
  const { cluster, app, told } = await writingNowhere(options, () => {
    throw new Error('where to')
  })
  await cluster.until(() => told.length > 0)
  assert.deepEqual(told[0]!.fields, { topic: 'dead', node: 'a handler' })
  await cluster.finish(assert.rejects(app.close(), /What a handler wrote to dead could not be delivered/))
  await cluster.close()
})

test('so it is with a missing topic whose partition is chosen', async () => {
  for (const processingGuarantee of ['at_least_once', 'exactly_once_v2'] as const) {
    const closed = await writingNowhere({ processingGuarantee }, 'nowhere', () => 0)
    await closed.cluster.world.clock.advance(2_000)
    const before = closed.since()
    await closed.cluster.finish(assert.rejects(closed.app.close(), assertNamed))
    assert.ok(closed.since() - before < 2_000)
    await closed.cluster.close()
    const left = await writingNowhere({ processingGuarantee }, 'nowhere', () => 0)
    await left.cluster.finish(assert.rejects(left.app.run(), assertNamed))
    assert.ok(left.since() < 35_000, `after ${left.since()} ms`)
    await left.cluster.close()
  }
})
