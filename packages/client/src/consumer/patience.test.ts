import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Patience } from './patience.ts'

test('trouble is borne until it has lasted too long', () => {
  const patience = new Patience(1_000)
  assert.deepEqual(
    [0, 500, 999, 1_000].map(now => patience.failed('a', now)),
    [false, false, false, true],
  )
})

test('a success begins the time anew', () => {
  const patience = new Patience(1_000)
  patience.failed('a', 0)
  patience.succeeded('a')
  assert.equal(patience.failed('a', 1_500), false)
})

test('a broker that always fails is not excused by another that works', () => {
  const patience = new Patience(1_000)
  patience.failed('a', 0)
  patience.succeeded('b')
  assert.equal(patience.failed('a', 1_000), true)
})
