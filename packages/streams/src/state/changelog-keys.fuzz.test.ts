import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DecodeError } from '@odradek/protocol'
import fc from 'fast-check'
import { readSessionKey, readWindowKey, sessionKey, windowKey } from './changelog-keys.ts'
import { readEntry, writeEntry } from './disk-entry.ts'

const times = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
const bytes = fc.uint8Array({ maxLength: 30 })

test('keys of changelogs are read as they were written', () => {
  fc.assert(
    fc.property(bytes, times, times, fc.integer({ min: 0, max: 0x7fffffff }), (key, start, end, sequence) => {
      const window = readWindowKey(windowKey(key, start, sequence))
      assert.deepEqual([Uint8Array.from(window.key), window.start, window.sequence], [key, start, sequence])
      const session = readSessionKey(sessionKey(key, start, end))
      assert.deepEqual([Uint8Array.from(session.key), session.start, session.end], [key, start, end])
    }),
  )
})

test('of any bytes a key is read, or a DecodeError says why not', () => {
  fc.assert(
    fc.property(bytes, given => {
      for (const read of [readWindowKey, readSessionKey])
        try {
          assert.ok(read(given).key.length <= given.length)
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error))
        }
    }),
    { numRuns: 1_000 },
  )
})

test('entries on disk are read as they were written', () => {
  fc.assert(
    fc.property(fc.option(bytes), times, (value, timestamp) => {
      const read = readEntry(Buffer.from(writeEntry({ value, timestamp })))
      assert.deepEqual([read.value && Uint8Array.from(read.value), read.timestamp], [value, timestamp])
    }),
  )
})
