/** What a running instance tells of itself, and what it can be told. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { serde } from '@odradek/client'
import { type Metric, StreamsBuilder, untilTimeLimit } from '../index.ts'
import { commitChannel, processChannel } from '../metrics/diagnostics.ts'
import { SimulatedCluster } from '../testing/simulated-cluster.ts'

const measured = (metrics: readonly Metric[], name: string, taskId?: string) =>
  metrics.find(metric => metric.name === name && metric.tags['task-id'] === taskId)?.value

test('metrics tell what each task has processed; listeners hear of turns and commits', async () => {
  const cluster = await SimulatedCluster.start(1)
  await cluster.makeTopics(1)
  await cluster.publish(['a b', 'c', 'a'])
  const turns: { taskId: string; records: number }[] = []
  const commits: { tasks: readonly string[] }[] = []
  const onTurn = (event: unknown) => void turns.push(event as (typeof turns)[number])
  const onCommit = (event: unknown) => void commits.push(event as (typeof commits)[number])
  processChannel.subscribe(onTurn)
  commitChannel.subscribe(onCommit)
  const app = cluster.instance('one', { commitIntervalMs: 1_000, metricsLevel: 'debug' })
  assert.equal(measured(app.metrics(), 'state'), 'CREATED')
  await cluster.finish(app.start())
  await cluster.until(() => commits.length > 0 && measured(app.metrics(), 'process-total', '1_0') === 4)
  const metrics = app.metrics()
  assert.equal(measured(metrics, 'state'), 'RUNNING')
  assert.equal(measured(metrics, 'application-id'), 'app')
  assert.equal(measured(metrics, 'process-total', '0_0'), 3)
  assert.equal(measured(metrics, 'process-total'), 7)
  assert.equal(measured(metrics, 'task-created-total'), 2)
  assert.equal(measured(metrics, 'active-buffer-count', '1_0'), 0)
  assert.equal(measured(metrics, 'record-lateness-max', '0_0'), 0)
  assert.equal(measured(metrics, 'restore-remaining-records-total', '1_0'), 0)
  assert.ok((measured(metrics, 'record-e2e-latency-avg', '0_0') as number) >= 0)
  const tagged = (group: string, tag: string) =>
    metrics.filter(metric => metric.group === group).map(({ tags }) => tags[tag])
  assert.ok(tagged('stream-processor-node-metrics', 'processor-node-id').includes('KSTREAM-FLATMAPVALUES-0000000001'))
  assert.ok(tagged('stream-state-metrics', 'store').includes('words'))
  assert.ok((measured(metrics, 'commit-total') as number) >= 1)
  assert.ok((measured(metrics, 'poll-total') as number) >= 1)
  await cluster.finish(app.close())
  processChannel.unsubscribe(onTurn)
  commitChannel.unsubscribe(onCommit)
  assert.equal(
    turns.filter(({ taskId }) => taskId === '0_0').reduce((sum, { records }) => sum + records, 0),
    3,
  )
  assert.ok(commits.some(({ tasks }) => tasks.includes('0_0')))
  await cluster.close()
})

test("what is told of caches, suppressed results, topology and clients is the instance's own", async () => {
  const cluster = await SimulatedCluster.start(1)
  await cluster.makeTopics(1)
  await cluster.publish(['a', 'a', 'a b'])
  const builder = new StreamsBuilder()
  builder
    .stream('lines', { key: serde.string, value: serde.string })
    .flatMapValues(line => line.split(' '))
    .groupBy(word => word, { key: serde.string, value: serde.string })
    .count({ store: 'words' })
    .suppress(untilTimeLimit(3_600_000, {}), { name: 'held' })
    .toStream()
    .to('counts', { key: serde.string, value: serde.int64 })
  const topology = builder.build()
  const app = cluster.instance('one', { cacheMaxBytes: 1_000_000, commitIntervalMs: 1_000 }, topology)
  await cluster.finish(app.start())
  await cluster.until(() => measured(app.metrics(), 'suppression-buffer-count-max', '1_0') === 2)
  await cluster.publish(['b'])
  await cluster.until(() => measured(app.metrics(), 'process-total', '1_0') === 5)
  const metrics = app.metrics()
  assert.equal(measured(metrics, 'topology-description'), topology.describe())
  assert.equal(measured(metrics, 'alive-stream-threads'), 1)
  assert.equal(measured(metrics, 'assigned-partitions'), 2)
  assert.equal(measured(metrics, 'records-lag-max'), 0)
  assert.ok((measured(metrics, 'record-send-total') as number) >= 4)
  const ratios = ['min', 'avg', 'max'].map(name => measured(metrics, `hit-ratio-${name}`, '1_0') as number)
  assert.ok(ratios[0]! < ratios[1]! && ratios[1]! < ratios[2]! && ratios[2] === 1, `${ratios}`)
  assert.ok((measured(metrics, 'suppression-buffer-size-max', '1_0') as number) > 0)
  await cluster.finish(app.close())
  assert.equal(measured(app.metrics(), 'alive-stream-threads'), 0)
  await cluster.close()
})

test('a thread that has failed is counted', async () => {
  const cluster = await SimulatedCluster.start(1)
  await cluster.makeTopics(1)
  await cluster.publish(['a'])
  const builder = new StreamsBuilder()
  builder.stream('lines').foreach(() => {
    throw new Error('no')
  })
  const app = cluster.instance('one', {}, builder.build())
  await cluster.finish(assert.rejects(app.run()))
  assert.deepEqual(
    ['client-state', 'alive-stream-threads', 'failed-stream-threads'].map(name => measured(app.metrics(), name)),
    [6, 0, 1],
  )
  await cluster.close()
})

test('a paused instance keeps its tasks and processes nothing until it is resumed', async () => {
  const cluster = await SimulatedCluster.start(1)
  await cluster.makeTopics(1)
  const app = cluster.instance('one')
  app.pause()
  await cluster.finish(app.start())
  await cluster.until(() => app.state === 'RUNNING')
  await cluster.publish(['a', 'b'])
  await cluster.world.clock.advance(60_000) // longer than a session
  assert.deepEqual([app.isPaused, app.state, app.tasks().length], [true, 'RUNNING', 2])
  assert.equal(measured(app.metrics(), 'process-total', '0_0'), 0)
  assert.equal(measured(app.metrics(), 'active-buffer-count', '0_0'), 2)
  app.resume()
  await cluster.until(() => app.store('words').size === 2)
  await cluster.finish(app.close())
  await cluster.close()
})

test('cleanUp removes the state on disk, of an instance that is not at work', async () => {
  const stateFolder = mkdtempSync(join(tmpdir(), 'odradek-clean-'))
  const cluster = await SimulatedCluster.start(1)
  try {
    await cluster.makeTopics(1)
    await cluster.publish(['a', 'b'])
    const options = { stateFolder, defaultStore: 'disk' as const }
    const app = cluster.instance('one', options)
    await app.cleanUp()
    await cluster.finish(app.start())
    await cluster.until(() => app.state === 'RUNNING' && app.store('words').size === 2)
    await assert.rejects(app.cleanUp(), /The instance is RUNNING: clean up before it starts, or after it is closed/)
    await assert.rejects(cluster.instance('two', options).cleanUp(), /in use by another instance/)
    await cluster.finish(app.close())
    const tasks = () => readdirSync(join(stateFolder, 'app')).filter(name => /^\d+_\d+$/.test(name))
    assert.deepEqual(tasks(), ['1_0'])
    await app.cleanUp()
    assert.deepEqual(tasks(), [])
    const again = cluster.instance('one', options)
    await cluster.finish(again.start())
    await cluster.until(() => again.state === 'RUNNING' && again.store('words').size === 2)
    await cluster.finish(again.close())
  } finally {
    await cluster.close()
    rmSync(stateFolder, { recursive: true })
  }
})
