import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { mergedChunks } from './merged-chunks.ts'

const chunk = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.integer({ min: 2048, max: 5000 }).map(length => new Uint8Array(length).fill(7)),
)

test('merging changes how many chunks there are, not what they say', () => {
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 30 }), chunks => {
      const merged = mergedChunks(chunks)
      assert.ok(merged.length <= chunks.length)
      assert.ok(Buffer.concat(merged).equals(Buffer.concat(chunks)))
    }),
  )
})

test('large chunks are passed on, not copied', () => {
  const large = new Uint8Array(100_000)
  const small = new Uint8Array(10)
  const merged = mergedChunks([small, small, large, small, small, large])
  assert.deepEqual(
    merged.map(({ length }) => length),
    [20, 100_000, 20, 100_000],
  )
  assert.equal(merged[1], large)
})
