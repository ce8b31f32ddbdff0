import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ProcessedOffsets } from './processed-offsets.ts'

test('what is committed is the offset after the last processed one (platformatic #196)', () => {
  const offsets = new ProcessedOffsets()
  offsets.finish(offsets.begin(41, 42, 3))
  assert.deepEqual(offsets.uncommitted(), { offset: 42, leaderEpoch: 3 })
})

test('a record that is still at work holds back those after it', () => {
  const offsets = new ProcessedOffsets()
  const [four, five, six] = [4, 5, 6].map(offset => offsets.begin(offset, offset + 1, 0))
  offsets.finish(six!)
  offsets.finish(five!)
  assert.equal(offsets.uncommitted(), null)
  assert.equal(offsets.firstUnfinished, 4)
  offsets.finish(four!)
  assert.equal(offsets.uncommitted()?.offset, 7)
  assert.equal(offsets.firstUnfinished, undefined)
})

test('holes behind a record are committed with it', () => {
  const offsets = new ProcessedOffsets()
  offsets.finish(offsets.begin(4, 9, 0))
  assert.equal(offsets.uncommitted()?.offset, 9)
})

test('what is committed is not committed again', () => {
  const offsets = new ProcessedOffsets()
  offsets.advance(5, 0)
  offsets.committed(5)
  assert.equal(offsets.uncommitted(), null)
  offsets.advance(4, 0)
  assert.equal(offsets.uncommitted(), null, 'and never backwards')
})

test('in whatever order works finish, the committable offset is the lowest unfinished one', () => {
  const some = fc.uniqueArray(fc.nat(2_999), { maxLength: 200 })
  const orders = fc.tuple(fc.nat(3_000), some).map(([run, rest]) => [...new Set([...rest, ...Array(run).keys()])])
  fc.assert(
    fc.property(orders, order => {
      const offsets = new ProcessedOffsets()
      const count = Math.max(...order, 0) + 1
      const tickets = Array.from({ length: count }, (_, i) => offsets.begin(i * 2, i * 2 + 2, 0))
      const done = new Set<number>()
      for (const i of order) {
        offsets.finish(tickets[i]!)
        done.add(i)
      }
      let lowest = 0
      while (done.has(lowest)) lowest++
      assert.equal(offsets.uncommitted()?.offset ?? 0, lowest * 2)
      assert.equal(offsets.firstUnfinished, lowest < count ? lowest * 2 : undefined)
    }),
    { numRuns: 20 },
  )
})
