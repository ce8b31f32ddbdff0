import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CleaningLimits, cleaningChoice, type LogView, mostUrgent } from './cleaning-choice.ts'

const now = 1_000_000
const limits: CleaningLimits = {
  ...{ cleanupPolicy: ['compact'], minCleanableDirtyRatio: 0.5 },
  ...{ minCompactionLagMs: 0, maxCompactionLagMs: Number.POSITIVE_INFINITY },
}

/** Segments of ten offsets and a hundred bytes, one minute apart; the last one is active. */
function logOf(count: number, changes: Partial<LogView> = {}): LogView {
  const segments = Array.from({ length: count }, (_, i) => ({
    ...{ baseOffset: i * 10, nextOffset: i * 10 + 10, size: 100 },
    ...{ firstTimestamp: now - (count - i) * 60_000, maxTimestamp: now - (count - i) * 60_000 + 30_000 },
  }))
  return { segments, logStartOffset: 0, lastStableOffset: count * 10, cleanedTo: 0, ...changes }
}

const choices: Record<
  string,
  [log: LogView, changes: Partial<CleaningLimits>, expected: [number, number] | undefined]
> = {
  'all closed segments are dirty at first': [logOf(4), {}, [0, 30]],
  'a log of one segment has nothing to clean': [logOf(1), {}, undefined],
  'a log that is not compacted is left alone': [logOf(4), { cleanupPolicy: ['delete'] }, undefined],
  'too little of it is dirty': [logOf(4, { cleanedTo: 20 }), {}, undefined],
  'enough of it is dirty': [logOf(4, { cleanedTo: 20 }), { minCleanableDirtyRatio: 0.3 }, [20, 30]],
  'nothing at or past the last stable offset': [logOf(4, { lastStableOffset: 17 }), {}, [0, 17]],
  'nothing too young': [logOf(4), { minCompactionLagMs: 100_000 }, [0, 20]],
  'all of it too young': [logOf(4), { minCompactionLagMs: 10_000_000 }, undefined],
  'what was trimmed is not dirty': [logOf(4, { logStartOffset: 12 }), {}, [12, 30]],
  'little is dirty, but it has waited for too long': [
    logOf(9, { cleanedTo: 70 }),
    { maxCompactionLagMs: 60_000 },
    [70, 80],
  ],
  'nothing is dirty': [logOf(4, { cleanedTo: 30 }), { maxCompactionLagMs: 1, minCleanableDirtyRatio: 0 }, undefined],
}

test('which part of a log is cleaned', () => {
  for (const [claim, [log, changes, expected]] of Object.entries(choices)) {
    const choice = cleaningChoice(log, { ...limits, ...changes }, now)
    assert.deepEqual(choice && [choice.dirtyFrom, choice.dirtyEnd], expected, claim)
  }
})

test('the dirtiest comes first, but after what has waited for too long', () => {
  const choice = { dirtyFrom: 0, dirtyEnd: 1 }
  const all = [
    { choice: { ...choice, dirtyRatio: 0.6, isOverdue: false }, of: 'b' },
    { choice: { ...choice, dirtyRatio: 0.9, isOverdue: false }, of: 'a' },
    { choice: { ...choice, dirtyRatio: 0.1, isOverdue: true }, of: 'late' },
  ]
  assert.equal(mostUrgent(all), 'late')
  assert.equal(mostUrgent(all.slice(0, 2)), 'a')
  assert.equal(mostUrgent([]), undefined)
})
