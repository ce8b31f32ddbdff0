/** What may be missing when bits have turned over, and what may not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkHistory } from './check-history.ts'
import type { HistoryEvent } from './history-event.ts'

const partition = 'orders-0'
const written = ['a', 'b', 'c'].flatMap((value, offset): HistoryEvent[] => [
  { kind: 'send', process: 'producer', value },
  { kind: 'sent', value, partition, offset },
])
const poll = (process: string, ...offsets: number[]): HistoryEvent => ({
  ...{ kind: 'poll', process },
  records: offsets.map(offset => ({ partition, offset, value: 'abc'[offset]! })),
})
const rot = (from: number, to: number): HistoryEvent => ({ kind: 'rot', partition, from, to })
const refused = (offset: number): HistoryEvent => ({ kind: 'refused', partition, offset })
const end: HistoryEvent = { kind: 'end', process: 'auditor', partition, logStart: 0, highWatermark: 3 }

const anomaliesOf = (...events: HistoryEvent[]): string[] =>
  checkHistory([...written, ...events]).failures.map(({ name }) => name)

test('a record that was hit may be refused, passed over and missing in the end, though it was read before', () => {
  const events = [poll('reader', 0, 1), rot(1, 2), refused(1), poll('other', 0, 2), poll('auditor', 0, 2), end]
  assert.deepEqual(anomaliesOf(...events), [])
})

test('the record after it may not', () => {
  const events = [poll('reader', 0, 1, 2), rot(1, 2), refused(1), poll('auditor', 0), end]
  assert.deepEqual(anomaliesOf(...events), ['visible-then-gone'])
  assert.deepEqual(anomaliesOf(rot(1, 2), refused(1), refused(2), poll('auditor', 0), end), [
    'lost-write',
    'refused-unharmed',
  ])
})

test('its offset may not be another record’s', () => {
  const other: HistoryEvent = { kind: 'poll', process: 'auditor', records: [{ partition, offset: 1, value: 'c' }] }
  assert(anomaliesOf(poll('reader', 0, 1, 2), rot(1, 2), other).includes('inconsistent-offsets'))
})
