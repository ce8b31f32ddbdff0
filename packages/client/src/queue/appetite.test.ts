import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Appetite } from './appetite.ts'

const lockMs = 30_000

test('few records are held at first, twice as many after each time that they were used up quickly, up to the limit', () => {
  const appetite = new Appetite(1, 100)
  const sizes = [appetite.size]
  for (let i = 0; i < 4; i++) {
    appetite.waited(10, lockMs)
    sizes.push(appetite.size)
  }
  assert.deepEqual(sizes, [16, 32, 64, 100, 100])
})

test('records that wait long for their turn are held less, down to as many as are worked on', () => {
  const appetite = new Appetite(3, 100)
  const sizes: number[] = []
  for (let i = 0; i < 4; i++) {
    appetite.waited(6_000, lockMs)
    sizes.push(appetite.size)
  }
  assert.deepEqual(sizes, [8, 4, 3, 3])
  appetite.waited(2_000, lockMs)
  assert.equal(appetite.size, 3, 'in between nothing changes')
})

test('more is fetched when half is done, not for every record', () => {
  const appetite = new Appetite(1, 16)
  assert.deepEqual(
    [0, 8, 9, 16].map(held => appetite.wants(held)),
    [16, 8, 0, 0],
  )
  assert.equal(new Appetite(1, 1).wants(0), 1)
})

test('nobody holds more than is allowed, even when more are worked on', () => {
  assert.equal(new Appetite(1, 3).size, 3)
})
