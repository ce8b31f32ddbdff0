import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulatedWorld } from '@odradek/world'
import type { StateStore } from '../state/state-store.ts'
import { droppedChannel } from './diagnostics.ts'
import { DropLog } from './drop-log.ts'
import { InstanceMetrics } from './instance-metrics.ts'
import { measure } from './measured-store.ts'
import type { Metric } from './metric.ts'
import { Sensor } from './sensor.ts'

test('a sensor tells of the last half to whole minute, and counts from the beginning', () => {
  const sensor = new Sensor(0)
  assert.deepEqual(sensor.read(0), { avg: undefined, max: undefined, min: undefined, rate: 0, ratio: 0, total: 0 })
  sensor.record(10_000, 500, 100, 20)
  sensor.record(20_000, 100)
  const early = sensor.read(20_000)
  assert.deepEqual([early.avg, early.max, early.min, early.total], [600 / 101, 100, 20, 101])
  assert.equal(early.rate, 101 / 20)
  sensor.record(50_000, 1)
  assert.equal(sensor.read(60_000).max, 100)
  const late = sensor.read(100_000)
  assert.deepEqual([late.max, late.total], [1, 102])
  assert.equal(sensor.read(200_000).avg, undefined)
  assert.equal(sensor.read(200_000).total, 102)
})

const measured = (metrics: readonly Metric[], name: string, tags: Record<string, string> = {}) =>
  metrics.find(metric => metric.name === name && Object.entries(tags).every(([tag, text]) => metric.tags[tag] === text))
    ?.value

test("an instance's metrics carry Kafka's names, by thread, task, node and store", async () => {
  const world = simulatedWorld({ seed: 1 })
  const { clock } = world
  const metrics = new InstanceMetrics('app', clock)
  const task = metrics.taskMade('0_1')
  const start = clock.monotonic()
  await clock.advance(50)
  metrics.polled(start, 500)
  metrics.processed('0_1', start, 100)
  metrics.committed(start, ['0_1'])
  metrics.dropped('0_1', 'node', 'late', undefined)
  task.late(clock.monotonic(), 10, 1_000, 400)
  task.endToEnd(clock.monotonic(), 70)
  task.node('KSTREAM-MAP-0000000001').record(clock.monotonic(), 2)
  const store = { name: 'words', get: (key: string) => key, close() {}, restore() {} }
  measure(
    store as StateStore,
    operation => task.store('words', operation),
    () => clock.monotonic(),
  )
  assert.equal(store.get('a'), 'a')
  const told = metrics.read({
    state: 'RUNNING',
    restoring: 0,
    remaining: new Map([['0_1', 7]]),
    buffered: new Map([['0_1', 3]]),
  })
  const ofTask = { 'task-id': '0_1' }
  assert.deepEqual(
    [
      measured(told, 'state'),
      measured(told, 'poll-total'),
      measured(told, 'commit-latency-max'),
      measured(told, 'task-created-total'),
      measured(told, 'process-total', ofTask),
      measured(told, 'process-latency-avg', ofTask),
      measured(told, 'dropped-records-total', ofTask),
      measured(told, 'record-lateness-max', ofTask),
      measured(told, 'record-lateness-avg', ofTask),
      measured(told, 'record-e2e-latency-avg', ofTask),
      measured(told, 'process-latency-max', { 'processor-node-id': 'KSTREAM-MAP-0000000001' }),
      measured(told, 'restore-remaining-records-total', ofTask),
      measured(told, 'active-buffer-count', ofTask),
    ],
    ['RUNNING', 1, 50, 1, 100, 0.5, 1, 400, 100, 70, 2, 7, 3],
  )
  assert.equal(measured(told, 'get-latency-avg', { store: 'words' }), 0)
  assert.equal(measured(told, 'put-latency-avg', { store: 'words' }), undefined)
  metrics.taskClosed('0_1')
  const after = metrics.read({ state: 'RUNNING', restoring: 0, buffered: new Map() })
  assert.ok(after.every(({ tags }) => tags['task-id'] === undefined))
  assert.equal(measured(after, 'task-closed-total'), 1)
})

test('whoever listens hears of each record that is passed over', () => {
  const metrics = new InstanceMetrics('app', simulatedWorld({ seed: 1 }).clock)
  const heard: unknown[] = []
  const listener = (event: unknown) => void heard.push(event)
  droppedChannel.subscribe(listener)
  const place = { topic: 't', partition: 0, offset: 5 }
  metrics.dropped('0_0', 'node', 'late', place)
  droppedChannel.unsubscribe(listener)
  metrics.dropped('0_0', 'node', 'late', place)
  assert.deepEqual(heard, [{ applicationId: 'app', taskId: '0_0', node: 'node', reason: 'late', place }])
})

test('a reason is logged at once, then once a minute with the number of records', () => {
  let now = 0
  const logged: Record<string, unknown>[] = []
  const logger = { warn: (fields: object) => void logged.push(fields as Record<string, unknown>), error() {} }
  const log = new DropLog(logger, () => now)
  for (let i = 0; i < 5; i++) log.dropped('0_0', 'window', 'expired', { topic: 't', partition: 0, offset: i })
  log.dropped('0_0', 'window', 'no key', undefined)
  log.dropped('0_0', 'window', 'processing failed', undefined) // its handler's affair
  assert.deepEqual(
    logged.map(({ reason, records }) => [reason, records]),
    [
      ['expired', 1],
      ['no key', 1],
    ],
  )
  now = 60_000
  log.dropped('0_0', 'window', 'expired', undefined)
  assert.deepEqual([logged[2]!.reason, logged[2]!.records], ['expired', 5])
})
