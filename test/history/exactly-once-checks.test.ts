/** Histories of exactly-once processing that are as they should be, and those that are not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkHistory } from './check-history.ts'
import type { HistoryEvent } from './history-event.ts'

/** Two input records, the effects that stand in the output, and what the group has committed. */
function history(effectsOf: readonly number[], until: number): HistoryEvent[] {
  const input = [0, 1].flatMap((offset): HistoryEvent[] => [
    { kind: 'send', process: 'producer', value: `i${offset}`, partition: 'in-0' },
    { kind: 'poll', process: 'auditor', records: [{ partition: 'in-0', offset, value: `i${offset}` }] },
  ])
  const outputs = effectsOf.flatMap((of, offset): HistoryEvent[] => [
    { kind: 'send', process: 'p', value: `o${offset}`, transaction: `t${offset}`, effectOf: `in-0@${of}` },
    { kind: 'poll', process: 'auditor', records: [{ partition: 'out-0', offset, value: `o${offset}` }] },
  ])
  return [...input, ...outputs, { kind: 'processed', group: 'g', partition: 'in-0', until }]
}

const found = (events: HistoryEvent[]) => checkHistory(events).failures.map(({ name }) => name)

test('each record that is processed has one effect, and what is not has none', () => {
  assert.deepEqual(found(history([0, 1], 2)), [])
  assert.deepEqual(found(history([0], 1)), [])
  assert.deepEqual(found(history([], 0)), [])
})

test('an effect that stands twice, one that is missing, and outputs without their offsets are told apart', () => {
  assert.deepEqual(found(history([0, 0], 1)), ['effect-twice'])
  assert.deepEqual(found(history([0], 2)), ['effect-missing'])
  assert.deepEqual(found(history([0, 1], 1)), ['torn-transaction'])
})
