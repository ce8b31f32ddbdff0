import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readEntry } from './disk-entry.ts'
import { HeldEntries } from './held-entries.ts'

const change = fc.record({
  key: fc.integer({ min: 0, max: 12 }).map(n => `key-${n}`),
  length: fc.oneof(
    { weight: 8, arbitrary: fc.option(fc.integer({ min: 0, max: 200 }), { nil: null }) },
    { weight: 1, arbitrary: fc.constantFrom(20_000, 40_000, 2 ** 20 - 16, 2 ** 20 - 15, 1_100_000) },
  ),
  timestamp: fc.integer({ min: 0, max: 2 ** 50 }),
})

test('what changes is held as a map would, whatever changes its length', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), changes => {
      const held = new HeldEntries()
      const model = new Map<string, { value: Buffer; timestamp: number } | null>()
      for (const [i, { key, length, timestamp }] of changes.entries()) {
        const value = length === null ? null : Buffer.alloc(length, i)
        assert.equal(held.set(key, value, timestamp), !model.has(key))
        model.set(key, value && { value, timestamp })
      }
      assert.deepEqual([...held.keys()], [...model.keys()])
      for (const [key, expected] of model) {
        const entry = held.get(key)
        assert.deepEqual(entry && readEntry(entry), expected)
      }
      assert.equal(held.get('another'), undefined)
      held.clear()
      assert.deepEqual([held.size, held.bytes, held.get('key-1')], [0, 0, undefined])
    }),
    { numRuns: 100 },
  )
})

test('a key that changes often takes no more memory than one that changes once, and one that grows few times as much', () => {
  const held = new HeldEntries()
  held.set('often', Buffer.alloc(100), 1)
  const { bytes } = held
  for (let i = 0; i < 1_000; i++) held.set('often', Buffer.alloc(i % 100), i)
  assert.equal(held.bytes, bytes)
  for (let i = 0; i < 10_000; i++) held.set('often', Buffer.alloc(i), i)
  assert.ok(held.bytes < 4 * 10_000, `${held.bytes}`)
})
