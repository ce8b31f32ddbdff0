import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SparseIndex } from './sparse-index.ts'

test('both look-ups find the last entry before which everything is surely too early', () => {
  const step = fc.record({
    offsets: fc.integer({ min: 1, max: 9 }),
    bytes: fc.integer({ min: 1, max: 99 }),
    time: fc.integer({ min: 0, max: 5 }),
  })
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 40 }),
      fc.integer({ min: 0, max: 400 }),
      fc.integer({ min: -1, max: 200 }),
      (steps, offset, time) => {
        const index = new SparseIndex()
        const entries = [{ offset: 0, position: 0, time: -1 }]
        for (const { offsets, bytes, time: later } of steps) {
          const last = entries.at(-1)!
          const entry = { offset: last.offset + offsets, position: last.position + bytes, time: last.time + later }
          entries.push(entry)
          index.add(entry.offset, entry.position, entry.time)
        }
        assert.equal(index.placeForOffset(offset).position, entries.findLast(entry => entry.offset <= offset)!.position)
        assert.equal(
          index.placeForTime(time).position,
          (entries.findLast((entry, i) => i === 0 || entry.time < time) ?? entries[0])!.position,
        )
      },
    ),
  )
})

test('an index of nothing points at the start and holds no memory', () => {
  const index = new SparseIndex()
  assert.deepEqual([index.placeForOffset(7).position, index.placeForTime(7).position, index.bytes], [0, 0, 0])
})
