import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ClockGuard } from '../clock-guard.ts'
import { batchOf, valuesOf } from '../testing/batches.ts'
import { SimulatedNode } from '../testing/simulated-node.ts'
import { type Expired, expiredSegments, type RetentionLimits } from './retention.ts'

/** Four segments of 10 records and 100 bytes, newest records at 10, 20, 30, 40 s; the last one is active. */
const segments = [1, 2, 3, 4].map(i => ({ nextOffset: i * 10, size: 100, maxTimestamp: i * 10_000 }))
const forEver: RetentionLimits = { cleanupPolicy: ['delete'], retentionMs: -1, retentionBytes: -1 }

describe('retention', () => {
  const cases: [
    name: string,
    limits: Partial<RetentionLimits>,
    view: { logStartOffset?: number; highWatermark?: number },
    expected: Expired | undefined,
  ][] = [
    ['without limits keeps everything', {}, {}, undefined],
    [
      'by time takes segments whose newest record is too old',
      { retentionMs: 25_000 },
      {},
      { count: 2, reason: 'time' },
    ],
    ['by time takes the active segment too', { retentionMs: 5_000 }, {}, { count: 4, reason: 'time' }],
    ['by size keeps at least so much', { retentionBytes: 250 }, {}, { count: 1, reason: 'size' }],
    ['by size takes nothing that would leave less', { retentionBytes: 301 }, {}, undefined],
    ['by start takes what lies before it whole', {}, { logStartOffset: 29 }, { count: 2, reason: 'start' }],
    [
      'by time and size spares a log that is only compacted',
      { cleanupPolicy: ['compact'], retentionMs: 5_000, retentionBytes: 0 },
      {},
      undefined,
    ],
    ['never takes what is not durable', { retentionMs: 5_000 }, { highWatermark: 39 }, { count: 3, reason: 'time' }],
  ]
  for (const [name, limits, view, expected] of cases) {
    test(name, () => {
      const log = { segments, highWatermark: 40, logStartOffset: 0, ...view }
      assert.deepEqual(expiredSegments(log, { ...forEver, ...limits }, 46_000), expected)
    })
  }
})

test('a segment that tells no time goes with the one after it', () => {
  const damaged = segments.with(0, { ...segments[0]!, maxTimestamp: -1 })
  const log = { segments: damaged, highWatermark: 40, logStartOffset: 0 }
  assert.deepEqual(expiredSegments(log, { ...forEver, retentionMs: 25_000 }, 46_000), { count: 2, reason: 'time' })
  assert.equal(expiredSegments(log, { ...forEver, retentionMs: 27_000 }, 46_000), undefined)
})

describe('a wall clock', () => {
  const hour = 3_600_000
  test('that runs is trusted', () => {
    const guard = new ClockGuard(-1, 0, 0)
    for (let t = 0; t < 10 * hour; t += hour / 2) assert(guard.look(t, t))
  })

  for (const jump of [2 * hour, -2 * hour, 240 * hour]) {
    test(`that jumps by ${jump / hour} h is not trusted for an hour`, () => {
      const guard = new ClockGuard(-1, 1000 * hour, 0)
      assert(guard.look(1000 * hour + 1, 1))
      assert(!guard.look(1000 * hour + jump, 2))
      assert(!guard.look(1001 * hour + jump - 10, hour - 8))
      assert(guard.look(1001 * hour + jump, hour + 2))
    })
  }

  test('that jumped is not trusted after a restart either, until the hour is over', () => {
    const guard = new ClockGuard(-1, 1000 * hour, 0)
    assert(!guard.look(1240 * hour, 1))
    assert.equal(guard.believed(60_000), 1000 * hour + 60_000)
    const next = new ClockGuard(guard.believed(60_000), 1240 * hour + 60_000, 0)
    assert(!next.look(1240 * hour + 120_000, 60_000))
    assert(next.look(1241 * hour + 60_000, hour))
    assert.equal(next.believed(hour), 1241 * hour + 60_000)
  })

  test('that jumped while nothing ran is not trusted for an hour', () => {
    assert(!new ClockGuard(1000 * hour, 1240 * hour, 0).look(1240 * hour, 1))
    assert(new ClockGuard(1000 * hour, 1000 * hour + 60_000, 0).look(1000 * hour + 60_000, 1))
  })
})

describe('an engine', () => {
  const minute = 60_000

  test('lets old segments go, keeps offsets, and removes the files a while later', async () => {
    const node = new SimulatedNode({ segmentBytes: 250, retentionMs: 30 * minute, fileDeleteDelayMs: minute })
    await node.start()
    const start = node.world.clock.now()
    for (let i = 0; i < 6; i++)
      await node.append(batchOf({ values: [`${i}`.padEnd(100)], timestamp: start + i * minute }))
    await node.world.clock.advance(34 * minute)
    const [state] = await node.settle(node.engine.state([1]))
    assert.deepEqual([state!.logStartOffset, state!.highWatermark], [1, 6])
    await node.world.clock.advance(30 * minute)
    const [empty] = await node.settle(node.engine.state([1]))
    assert.deepEqual([empty!.logStartOffset, empty!.highWatermark, empty!.bytes], [6, 6, 0])
    assert.deepEqual(
      (await node.names()).filter(name => /log|index/.test(name)),
      ['00000000000000000006.log'],
    )
    await node.kill()
    const answer = await node.append(batchOf({ values: ['next'] }))
    assert(answer.ok && answer.baseOffset === 6)
  })

  test('lets nothing go because the clock was set wrong before retention had looked at it once', async () => {
    const node = new SimulatedNode({ retentionMs: 30 * minute })
    await node.start()
    await node.append(batchOf({ timestamp: node.world.clock.now() }))
    node.world.clock.jump(10 * 24 * 60 * minute)
    node.world.machine('m').crash({ unsynced: 'lost' })
    await node.start()
    await node.world.clock.advance(20 * minute)
    assert.deepEqual(valuesOf(await node.read(0)), ['a'])
  })

  test('lets nothing go because the clock was set wrong for a while', async () => {
    const node = new SimulatedNode({ retentionMs: 30 * minute })
    await node.start()
    await node.append(batchOf({ timestamp: node.world.clock.now() }))
    node.world.clock.jump(10 * 24 * 60 * minute)
    await node.world.clock.advance(20 * minute)
    node.world.clock.jump(-10 * 24 * 60 * minute)
    await node.world.clock.advance(5 * minute)
    assert.deepEqual(valuesOf(await node.read(0)), ['a'])
  })

  test('starts a new segment when the records of one span more than segment.ms', async () => {
    const node = new SimulatedNode({ segmentMs: minute })
    await node.start()
    for (const seconds of [0, 30, 60, 61, 100, 122]) await node.append(batchOf({ timestamp: 1000 + seconds * 1000 }))
    const logs = (await node.names()).filter(name => name.endsWith('.log')).map(name => Number.parseInt(name, 10))
    assert.deepEqual(logs, [0, 3, 5])
  })
})
