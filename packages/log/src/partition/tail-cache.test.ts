import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
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

test('batches that come and go in many tails are dropped in the order they came in, and what is gone is counted once', () => {
  const cost = 1320
  fc.assert(
    fc.property(
      fc.array(fc.record({ tail: fc.nat(3), does: fc.constantFrom('add', 'add', 'drop', 'clear') })),
      steps => {
        const cache = new TailCache({ limit: 6 * cost, limitEach: 4 * cost })
        const tails = Array.from({ length: 4 }, () => new Tail(cache))
        const next = [0, 0, 0, 0]
        let model: { tail: number; offset: number }[] = []
        for (const { tail, does } of steps) {
          const its = () => model.filter(batch => batch.tail === tail)
          if (does === 'add') {
            fill(tails[tail]!, 1, next[tail]!)
            model.push({ tail, offset: 10 * next[tail]!++ })
            if (model.length > 6) model.shift()
            if (its().length > 4) model = model.filter(batch => batch !== its()[0])
          } else if (does === 'drop') {
            const gone = its()[0]
            if (gone) tails[tail]!.dropBefore(gone.offset + 1)
            model = model.filter(batch => batch !== gone)
          } else {
            tails[tail]!.clear()
            model = model.filter(batch => batch.tail !== tail)
          }
          assert.equal(cache.bytes, cost * model.length)
          for (const [i, each] of tails.entries())
            for (let offset = 0; offset < 10 * next[i]!; offset += 10)
              assert.equal(
                each.read(offset, offset + 10, 1e6, true) !== undefined,
                model.some(batch => batch.tail === i && batch.offset === offset),
              )
        }
      },
    ),
  )
})

test('a small piece of a large buffer does not keep the buffer', () => {
  const tail = new Tail(new TailCache({ limit: 1e6, limitEach: 1e6 }))
  tail.add(new Uint8Array(100_000).subarray(10, 60), 0, 1)
  const [kept] = tail.read(0, 1, 100, true)!
  assert.equal(kept!.buffer.byteLength, 50)
})
