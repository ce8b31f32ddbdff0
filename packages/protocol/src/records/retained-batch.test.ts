import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type BatchHeader, readBatch } from './batch-header.ts'
import { codecs } from './batch-layout.ts'
import { hasValidCrc } from './batch-patch.ts'
import { encodeBatch } from './encode-batch.ts'
import { decodeRecords } from './record-batch-reader.ts'
import { RecordWalk } from './record-walk.ts'
import { retainedBatch } from './retained-batch.ts'

const text = new TextDecoder()

const records = fc.array(
  fc.record({
    key: fc.option(fc.string({ maxLength: 20 })),
    value: fc.option(fc.string({ maxLength: 40 })),
    headers: fc.array(fc.tuple(fc.string({ maxLength: 5 }), fc.option(fc.uint8Array({ maxLength: 5 }))), {
      maxLength: 2,
    }),
    timestamp: fc.integer({ min: 0, max: 2 ** 45 }),
    stays: fc.boolean(),
  }),
  { minLength: 1, maxLength: 12 },
)

/** What a consumer sees of a batch. */
function seen(bytes: Uint8Array): object[] {
  return Array.from(decodeRecords(bytes), ({ offset, timestamp, key, value, headers }) => ({
    ...{ offset, timestamp },
    key: key && text.decode(key),
    value: value && text.decode(value),
    headers: [...headers].map(([name, bytes]) => [name, bytes && [...bytes]]),
  }))
}

function keep(bytes: Uint8Array, header: BatchHeader, stays: boolean[], deleteHorizon: number | undefined): Uint8Array {
  const walk = new RecordWalk()
  const runs: number[] = []
  const timestamps: number[] = []
  walk.begin(bytes, header)
  for (let i = 0; walk.next(); i++) {
    assert.equal(walk.offsetDelta, i)
    if (!stays[i]) continue
    timestamps.push(header.baseTimestamp + walk.timestampDelta)
    if (runs.at(-1) === walk.start) runs[runs.length - 1] = walk.end
    else runs.push(walk.start, walk.end)
  }
  const maxTimestamp = Math.max(-1, ...timestamps)
  return retainedBatch(bytes, header, {
    ...{ bytes: walk.bytes, runs, recordCount: timestamps.length, maxTimestamp, deleteHorizon },
  })
}

test('the records that stay are what they were, with or without a delete horizon, in every compression', () => {
  fc.assert(
    fc.property(
      records,
      fc.constantFrom(...codecs),
      fc.option(fc.nat(2 ** 45), { nil: undefined }),
      (all, codec, horizon) => {
        const bytes = encodeBatch(all, {
          compression: codec,
          baseOffset: 40,
          producerId: 7n,
          producerEpoch: 1,
          baseSequence: 3,
        })
        const before = readBatch(bytes)
        const stays = all.map(record => record.stays)
        const kept = keep(bytes, before, stays, horizon)
        const after = readBatch(kept)
        assert.ok(hasValidCrc(kept))
        assert.equal(after.end, kept.length)
        assert.deepEqual(
          seen(kept),
          seen(bytes).filter((_, i) => stays[i]),
        )
        assert.equal(after.hasDeleteHorizon, horizon !== undefined)
        if (horizon !== undefined) assert.equal(after.baseTimestamp, horizon)
        for (const same of ['baseOffset', 'lastOffset', 'producerId', 'producerEpoch', 'baseSequence'] as const)
          assert.equal(after[same], before[same])
        if (!stays.includes(true)) assert.equal(after.compression, 'none')
      },
    ),
    { numRuns: 150 },
  )
})

test('a walk tells keys and tombstones', () => {
  const bytes = encodeBatch(
    [{ key: 'k', value: null }, { value: 'v' }, { key: '', value: '' }].map(r => ({ ...r, timestamp: 5 })),
  )
  const walk = new RecordWalk()
  walk.begin(bytes, readBatch(bytes))
  const found: unknown[] = []
  while (walk.next())
    found.push([
      walk.keyLength < 0 ? null : text.decode(walk.bytes.subarray(walk.keyAt, walk.keyAt + walk.keyLength)),
      walk.valueLength,
    ])
  assert.deepEqual(found, [
    ['k', -1],
    [null, 1],
    ['', 0],
  ])
})

test('a walk refuses bytes that no batch could hold, and never reads beyond them', () => {
  const bytes = encodeBatch([
    { key: 'key', value: 'value', timestamp: 5 },
    { key: 'key', value: 'value', timestamp: 6 },
  ])
  const walk = new RecordWalk()
  for (let at = 61; at < bytes.length; at++) {
    for (const byte of [0, 1, 0x7f, 0x80, 0xff]) {
      const broken = bytes.slice()
      broken[at] = byte
      try {
        walk.begin(broken, readBatch(broken))
        while (walk.next()) assert.ok(walk.end <= broken.length && walk.keyAt + Math.max(0, walk.keyLength) <= walk.end)
      } catch (error) {
        assert.equal((error as Error).name, 'DecodeError')
      }
    }
  }
})
