import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resetOf, startOf } from './start-position.ts'

const at = { topic: 'a-b', partition: 2 }

test('every way to begin has its question or its answer', () => {
  assert.deepEqual(startOf('earliest', at), { timestamp: -2 })
  assert.deepEqual(startOf('latest', at), { timestamp: -1 })
  assert.deepEqual(startOf({ timestamp: 5 }, at), { timestamp: 5 })
  assert.deepEqual(startOf(7, at), { offset: 7 })
  assert.equal(startOf('fail', at), 'fail')
  assert.deepEqual(startOf({ offsets: { 'a-b-2': 9 } }, at), { offset: 9 })
  assert.deepEqual(startOf({ offsets: new Map([['a-b-2', 0]]) }, at), { offset: 0 })
  assert.deepEqual(
    startOf({ offsets: {} }, at),
    { timestamp: -2 },
    'a partition that is not named begins at its first record',
  )
})

test('a named offset that is gone is not tried again', () => {
  assert.deepEqual(resetOf({ offsets: { 'a-b-2': 9 } }, at), { timestamp: -2 })
  assert.deepEqual(resetOf('latest', at), { timestamp: -1 })
  assert.equal(resetOf('fail', at), 'fail')
})
