/** Members that own partitions one after the other, and those that own one at once. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkHistory } from './check-history.ts'
import type { HistoryEvent } from './history-event.ts'

const of = (process: string) => ({ process, group: 'g', partitions: ['t-0'] })
const assign = (process: string, generation: number): HistoryEvent => ({ kind: 'assign', ...of(process), generation })
const unassign = (process: string): HistoryEvent => ({ kind: 'unassign', ...of(process) })
const owned = (process: string, since: number): HistoryEvent => ({ kind: 'owned', ...of(process), since })

const found = (...events: HistoryEvent[]) => checkHistory(events).failures.map(({ name }) => name)

test('a partition may go from one member to the next, and nobody knows when a session ended', () => {
  assert.deepEqual(found(assign('a', 1), owned('a', 1), unassign('a'), assign('b', 2), owned('b', 4)), [])
  assert.deepEqual(found(assign('a', 1), owned('a', 1), assign('b', 2), owned('b', 3), unassign('a')), [])
  // What was asked before somebody else came may be answered after that.
  assert.deepEqual(found(assign('a', 1), assign('b', 2), owned('a', 1), owned('b', 3)), [])
})

test('a member that the group still knows and another that it knows already own it twice', () => {
  assert.deepEqual(found(assign('a', 1), assign('b', 2), owned('b', 2), owned('a', 3)), ['owned-twice'])
})

test('a partition has one owner in a generation, though never two at once', () => {
  assert.deepEqual(found(assign('a', 1), unassign('a'), assign('b', 1)), ['owned-twice'])
  assert.deepEqual(found(assign('a', 1), unassign('a'), assign('a', 1)), [])
})
