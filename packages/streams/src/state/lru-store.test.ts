import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serde } from '@odradek/client'
import { noHeaders } from '../record.ts'
import { lruStore } from './lru-store.ts'
import type { RestoredRecord } from './tables.ts'

function make(maxEntries: number) {
  const log: RestoredRecord[] = []
  const store = lruStore({ name: 'recent', key: serde.string, value: serde.string, maxEntries }).make({
    taskId: '0_0',
    log: (key, value, timestamp) => void log.push({ key, value, timestamp }),
    disk: null,
    defaultKind: 'disk',
    cache: null,
    current: () => ({ timestamp: 7, headers: noHeaders, metadata: undefined }),
  })
  return { store, log }
}

test('the key that was not used for longest makes room, in the changelog, too', () => {
  const { store, log } = make(2)
  store.put('a', '1')
  store.put('b', '2')
  assert.equal(store.get('a'), '1')
  store.put('c', '3')
  assert.deepEqual(
    [...store.all()],
    [
      ['a', '1'],
      ['c', '3'],
    ],
  )
  const shown = log.map(
    ({ key, value, timestamp }) => `${key && Buffer.from(key)} ${value && Buffer.from(value)} ${timestamp}`,
  )
  assert.deepEqual(new Set(shown), new Set(['a 1 7', 'b 2 7', 'c 3 7', 'b null 7']))
  const other = make(2).store
  other.restoreBatch!(log)
  assert.deepEqual([...other.all()], [...store.all()])
})

test('restored into less room, the last to come stay', () => {
  const { store, log } = make(10)
  for (const key of ['a', 'b', 'c']) store.put(key, key)
  const other = make(2).store
  other.restoreBatch!(log)
  assert.deepEqual(
    [...other.all()],
    [
      ['b', 'b'],
      ['c', 'c'],
    ],
  )
})

test('room for nothing is refused', () => {
  assert.throws(() => make(0), /`maxEntries` of store 'recent' is 0/)
})
