import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { codecs } from './batch-layout.ts'
import {
  BatchBuilder,
  decodeRecords,
  eachBatch,
  encodeBatch,
  type HeaderInput,
  hasValidCrc,
  type RecordInput,
  readBatch,
  recordSizeBound,
} from './index.ts'

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ maxLength: 40 }),
  fc.constantFrom('', 'é'.repeat(32), 'é'.repeat(63), 'x'.repeat(63), 'x'.repeat(64), `${'x'.repeat(8180)}ééé`),
)
const part = fc.oneof(text, fc.uint8Array({ maxLength: 200 }), fc.constant(null))
const header = fc.tuple(fc.oneof(fc.constantFrom('trace', ''), text), part) as fc.Arbitrary<HeaderInput>
const timestamp = fc.oneof(fc.nat(), fc.integer({ min: -1, max: 2 ** 52 }), fc.constantFrom(0, -1, 1_700_000_000_000))
const record: fc.Arbitrary<RecordInput> = fc.record(
  { key: part, value: part, headers: fc.array(header, { maxLength: 4 }), timestamp },
  { requiredKeys: [] },
)
const records = fc.array(record, { minLength: 1, maxLength: 20 })

const asBytes = (input: RecordInput['key']): Uint8Array | null =>
  input === null || input === undefined ? null : new Uint8Array(typeof input === 'string' ? Buffer.from(input) : input)

/** What must come back for a record that went in. A lone half of a surrogate pair becomes U+FFFD, as in all UTF-8. */
const expected = (input: RecordInput, offset: number) => ({
  offset,
  timestamp: input.timestamp ?? -1,
  key: asBytes(input.key),
  value: asBytes(input.value),
  headers: (input.headers ?? []).map(([name, value]) => [name.toWellFormed(), asBytes(value)]),
})

const decoded = (batch: Uint8Array) =>
  [...decodeRecords(batch)].map(({ offset, timestamp, key, value, headers }) => ({
    offset,
    timestamp,
    key,
    value,
    headers,
  }))

test('records come back from a batch as they went in, by every codec', () => {
  fc.assert(
    fc.property(records, fc.constantFrom(...codecs), fc.nat({ max: 2 ** 50 }), (inputs, compression, baseOffset) => {
      const batch = encodeBatch(inputs, { compression, baseOffset })
      assert.ok(hasValidCrc(batch))
      assert.deepEqual(
        decoded(batch),
        inputs.map((input, i) => expected(input, baseOffset + i)),
      )
      const times = inputs.map(input => input.timestamp ?? -1)
      const header = readBatch(batch)
      assert.deepEqual([header.baseTimestamp, header.maxTimestamp], [times[0], Math.max(...times)])
      assert.deepEqual(
        [header.recordCount, header.lastOffsetDelta, header.compression],
        [inputs.length, inputs.length - 1, compression],
      )
    }),
    { numRuns: 300 },
  )
})

test('a builder knows its size at every record, and no record exceeds its bound', () => {
  fc.assert(
    fc.property(records, inputs => {
      const builder = new BatchBuilder(64)
      inputs.forEach((input, i) => {
        const before = builder.sizeInBytes
        assert.equal(builder.append(input, input.timestamp ?? 0), i)
        assert.ok(builder.sizeInBytes - before <= recordSizeBound(input))
      })
      assert.equal(builder.build().length, builder.sizeInBytes)
    }),
  )
})

test('a builder that was reset writes what a fresh one does', () => {
  const used = new BatchBuilder()
  fc.assert(
    fc.property(records, inputs => {
      const fresh = new BatchBuilder()
      used.reset()
      for (const builder of [used, fresh]) for (const input of inputs) builder.append(input, input.timestamp ?? 7)
      assert.deepEqual(used.build(), fresh.build())
    }),
  )
})

test('batches one after the other are found, and one that is cut off at the end is left out', () => {
  fc.assert(
    fc.property(fc.array(records, { minLength: 1, maxLength: 4 }), fc.nat({ max: 60 }), (several, cut) => {
      const batches = several.map((inputs, i) => encodeBatch(inputs, { baseOffset: i * 100 }))
      const bytes = Buffer.concat([...batches, batches[0]!.subarray(0, Math.min(cut, batches[0]!.length - 1))])
      assert.deepEqual(
        [...eachBatch(bytes)].map(batch => batch.baseOffset),
        several.map((_, i) => i * 100),
      )
      assert.deepEqual(
        [...eachBatch(bytes)].map(batch => batch.sizeInBytes),
        batches.map(batch => batch.length),
      )
    }),
  )
})
