import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LeaderEpochs } from './leader-epochs.ts'

test('an epoch ends where the next one that wrote begins', () => {
  const epochs = new LeaderEpochs()
  for (const [epoch, offset] of [
    [2, 10],
    [2, 15],
    [5, 20],
    [6, 30],
  ] as const)
    epochs.assign(epoch, offset)
  const current = 8
  const expected: [asked: number, epoch: number, endOffset: number][] = [
    [1, -1, -1], // before anything that is known
    [2, 2, 20],
    [4, 2, 20], // wrote nothing: the one before counts
    [5, 5, 30],
    [6, 6, 40],
    [7, 6, 40],
    [8, 8, 40], // the leader itself
    [9, -1, -1], // a leader that this one has not heard of
  ]
  for (const [asked, epoch, endOffset] of expected)
    assert.deepEqual(epochs.endOffsetOf(asked, current, 40), { epoch, endOffset })
})

test('trimming forgets epochs that ended before the new start', () => {
  const epochs = new LeaderEpochs()
  for (const [epoch, offset] of [
    [0, 0],
    [1, 10],
    [2, 20],
  ] as const)
    epochs.assign(epoch, offset)
  epochs.trimBefore(15)
  assert.deepEqual(epochs.endOffsetOf(0, 2, 25), { epoch: -1, endOffset: -1 })
  assert.deepEqual(epochs.endOffsetOf(1, 2, 25), { epoch: 1, endOffset: 20 })
})
