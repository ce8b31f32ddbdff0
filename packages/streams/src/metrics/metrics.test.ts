import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulatedWorld } from '@odradek/world'
import type { StateStore, StoreGauges } from '../state/state-store.ts'
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

const application = { id: 'app', topology: 'Topologies:' }

test("an instance's metrics carry Kafka's names, by thread, task, node and store", async () => {
  const world = simulatedWorld({ seed: 1 })
  const { clock } = world
  const metrics = new InstanceMetrics(application, clock)
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

test('an instance tells its version, state, threads and topology; its clients what they have sent and are behind', () => {
  const { clock } = simulatedWorld({ seed: 1 })
  const metrics = new InstanceMetrics(application, clock)
  const buffered = new Map<string, number>()
  const before = metrics.read({ state: 'CREATED', restoring: 0, buffered })
  const told = (name: string, of = before) => measured(of, name)
  assert.match(String(told('version')), /^\d+\.\d+\.\d+/)
  assert.deepEqual(
    [
      'client-state',
      'topology-description',
      'alive-stream-threads',
      'failed-stream-threads',
      'assigned-partitions',
    ].map(name => told(name)),
    [0, 'Topologies:', 0, 0, undefined],
  )
  metrics.threadFailed()
  const assignment = [0, 1, 2].map(partition => ({ topic: 'in', partition }))
  const health = { state: 'running', sinceLastPollMs: 2_500, sinceLastProgressMs: 1, assignment, lag: 12 } as const
  const consumer = {
    health: () => ({ ...health, assignment }),
    lag: ({ partition }: { partition: number }) => [5, 7][partition],
  }
  const thread = { consumer, producer: { sent: 9, failed: 1 } }
  const after = metrics.read({ state: 'ERROR', restoring: 0, buffered, thread })
  assert.deepEqual(
    [
      ...['state', 'client-state', 'alive-stream-threads', 'failed-stream-threads', 'assigned-partitions'],
      ...['last-poll-seconds-ago', 'records-lag-max', 'record-send-total', 'record-error-total'],
    ].map(name => told(name, after)),
    ['ERROR', 6, 1, 1, 3, 2, 7, 9, 1],
  )
  assert.deepEqual(
    [0, 1, 2].map(partition => measured(after, 'records-lag', { topic: 'in', partition: `${partition}` })),
    [5, 7, undefined],
  )
})

test('caches tell how often they knew a value, buffers how full they were at the end of turns and at most', () => {
  const { clock } = simulatedWorld({ seed: 1 })
  const metrics = new InstanceMetrics(application, clock)
  metrics.taskMade('0_0')
  const turn = (gauges: StoreGauges) => {
    const store = { name: 's', gauges: () => gauges } as unknown as StateStore
    metrics.processed('0_0', clock.monotonic(), 1, { stores: [store, { ...store, name: 'plain', gauges: undefined! }] })
  }
  turn({ cache: { reads: 4, hits: 1 } })
  turn({ cache: { reads: 0, hits: 0 } })
  turn({ cache: { reads: 6, hits: 6 } })
  turn({ buffer: { records: 2, mostRecords: 5, bytes: 20, mostBytes: 70 } })
  turn({ buffer: { records: 4, mostRecords: 4, bytes: 40, mostBytes: 40 } })
  const told = metrics.read({ state: 'RUNNING', restoring: 0, buffered: new Map() })
  const cache = ['avg', 'min', 'max'].map(name => measured(told, `hit-ratio-${name}`, { 'record-cache-id': 's' }))
  assert.deepEqual(cache, [0.7, 0.25, 1])
  const buffer = ['count-avg', 'count-max', 'size-avg', 'size-max'].map(name =>
    measured(told, `suppression-buffer-${name}`, { 'task-id': '0_0', store: 's' }),
  )
  assert.deepEqual(buffer, [3, 5, 30, 70])
  assert.ok(told.every(({ tags }) => tags.store !== 'plain' && tags['record-cache-id'] !== 'plain'))
})

test('whoever listens hears of each record that is passed over', () => {
  const metrics = new InstanceMetrics(application, simulatedWorld({ seed: 1 }).clock)
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
