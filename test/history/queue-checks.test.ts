/** Queues that deliver what they should, and those that do not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkHistory } from './check-history.ts'
import type { HistoryEvent } from './history-event.ts'

const value = 'v'
const sent: HistoryEvent[] = [
  { kind: 'send', process: 'producer', value, partition: 't-0' },
  { kind: 'sent', value, partition: 't-0', offset: 0 },
  { kind: 'poll', process: 'auditor', records: [{ partition: 't-0', offset: 0, value }] },
]
const join = (process: string): HistoryEvent => ({ kind: 'queue-join', process })
const given = (process: string, count = 1): HistoryEvent => ({ kind: 'delivery', process, value, count })
const settle = (process: string, as: 'ack' | 'release' | 'reject'): HistoryEvent[] => [
  { kind: 'settle', process, value, as },
  { kind: 'settled', process, value, as },
]
const served: HistoryEvent = { kind: 'queue-served', mayGiveUpAfter: 5 }
const found = (...events: HistoryEvent[]) => checkHistory([...sent, ...events]).failures.map(({ name }) => name)

test('a record goes from one to the other until it is acknowledged or rejected', () => {
  assert.deepEqual(found(join('a'), given('a'), ...settle('a', 'ack'), served), [])
  assert.deepEqual(
    found(join('a'), given('a'), ...settle('a', 'release'), join('b'), given('b', 2), ...settle('b', 'reject'), served),
    [],
  )
  assert.deepEqual(found(join('a'), given('a'), join('b'), given('b', 2), ...settle('b', 'ack'), served), [])
})

test('whoever has acknowledged a record, and was answered, is not given it again', () => {
  assert.deepEqual(found(join('a'), given('a'), ...settle('a', 'ack'), given('a'), served), ['delivered-after-done'])
  assert.deepEqual(
    found(join('a'), given('a'), ...settle('a', 'release'), given('a', 2), ...settle('a', 'ack'), served),
    [],
  )
})

test('what is acknowledged or rejected is not delivered to somebody who comes later', () => {
  for (const as of ['ack', 'reject'] as const)
    assert.deepEqual(found(join('a'), given('a'), ...settle('a', as), join('b'), given('b')), ['delivered-after-done'])
  const twice: HistoryEvent = { kind: 'send', process: 'producer', value, partition: 't-0', once: false }
  assert.deepEqual(found(twice, join('a'), given('a'), ...settle('a', 'ack'), join('b'), given('b')), [])
  // It may have acquired it before, and lost it.
  assert.deepEqual(found(join('a'), join('b'), given('a'), ...settle('a', 'ack'), given('b')), [])
})

test('a record that nobody has settled is delivered again, unless it has been too often', () => {
  assert.deepEqual(found(join('a'), served), ['not-delivered'])
  assert.deepEqual(found(join('a'), given('a'), served), ['not-delivered'])
  assert.deepEqual(found(join('a'), given('a'), ...settle('a', 'release'), served), ['not-delivered'])
  assert.deepEqual(found(join('a'), given('a', 5), served), [])
})
