import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Tail, TailCache } from './tail-cache.ts'

/** Batches of 1000 bytes and 10 offsets each, from 0 on. */
function fill(tail: Tail, batches: number, from = 0): void {
  for (let i = from; i < from + batches; i++) tail.add(new Uint8Array(1000).fill(i), i * 10, (i + 1) * 10)
}

const found = (tail: Tail, offset: number, end = 1000, maxBytes = 1e6, minOne = true) =>
  tail.read(offset, end, maxBytes, minOne)?.map(bytes => bytes[0])

test('a tail gives the batches from the one with the offset on, up to an end and a size', () => {
  const tail = new Tail(new TailCache({ limit: 1e6, limitEach: 1e6 }))
  fill(tail, 5)
  assert.deepEqual(found(tail, 0), [0, 1, 2, 3, 4])
  assert.deepEqual(found(tail, 19), [1, 2, 3, 4])
  assert.deepEqual(found(tail, 20, 40), [2, 3])
  assert.deepEqual(found(tail, 20, 40, 1999), [2])
  assert.deepEqual(found(tail, 20, 40, 1), [2])
  assert.deepEqual(found(tail, 20, 40, 1, false), [])
  assert.deepEqual(found(tail, 20, 20), [])
  assert.equal(found(tail, 50), undefined)
})

test('a full tail drops its oldest batches', () => {
  const tail = new Tail(new TailCache({ limit: 1e6, limitEach: 4000 }))
  fill(tail, 300)
  assert.equal(found(tail, 2960), undefined)
  assert.deepEqual(
    found(tail, 2970, 3000),
    [297, 298, 299].map(value => value & 0xff),
  )
})

test('all tails together drop the batch that is oldest of all', () => {
  const cache = new TailCache({ limit: 5500, limitEach: 1e6 })
  const [first, second] = [new Tail(cache), new Tail(cache)]
  fill(first, 2)
  fill(second, 2)
  assert.deepEqual(found(first, 0), [0, 1])
  fill(second, 1, 2)
  assert.equal(found(first, 0), undefined)
  assert.deepEqual(found(first, 10), [1])
  assert(cache.bytes <= 5500)
  second.clear()
  first.clear()
  assert.equal(cache.bytes, 0)
})

test('a small piece of a large buffer does not keep the buffer', () => {
  const tail = new Tail(new TailCache({ limit: 1e6, limitEach: 1e6 }))
  tail.add(new Uint8Array(100_000).subarray(10, 60), 0, 1)
  const [kept] = tail.read(0, 1, 100, true)!
  assert.equal(kept!.buffer.byteLength, 50)
})
