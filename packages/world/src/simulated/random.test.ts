import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from './random.ts'

test('fractions fill [0, 1) evenly, whole numbers every place below the bound', () => {
  const random = new SeededRandom(42)
  const buckets = new Array<number>(16).fill(0)
  for (let i = 0; i < 16_000; i++) {
    const fraction = random.next()
    assert.ok(fraction >= 0 && fraction < 1)
    buckets[Math.floor(fraction * 16)]!++
  }
  for (const count of buckets) assert.ok(count > 850 && count < 1_150, `buckets ${buckets}`)
  const seen = new Set(Array.from({ length: 200 }, () => random.int(7)))
  assert.deepEqual([...seen].sort(), [0, 1, 2, 3, 4, 5, 6])
  assert.equal(random.bytes(20).length, 20)
})

test('seeds that differ only in their high half differ', () => {
  assert.notEqual(new SeededRandom(5).next(), new SeededRandom(5 + 2 ** 32).next())
})

test('a fork does not depend on what was drawn before it', () => {
  const drawn = new SeededRandom(9)
  drawn.next()
  assert.equal(drawn.fork('disk').next(), new SeededRandom(9).fork('disk').next())
  assert.notEqual(drawn.fork('disk').next(), drawn.fork('wire').next())
})
