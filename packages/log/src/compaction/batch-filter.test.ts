import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decodeRecords, encodeBatch, encodeControlBatch, hasValidCrc, readBatch } from '@odradek/protocol'
import type { AbortedTransaction } from '../producers/transactions.ts'
import { BatchFilter, type FilterView } from './batch-filter.ts'
import { CleanedTransactions } from './cleaned-transactions.ts'
import { KeyOffsets } from './key-offsets.ts'

const now = 1_000_000
const deleteRetentionMs = 1000
const secret = new Uint8Array(16)
const text = new TextEncoder()

interface Given {
  /** Last offset of keys in the dirty part. */
  latest?: Record<string, number>
  end?: number
  aborted?: AbortedTransaction[]
  lastOffsets?: [bigint, number][]
  now?: number
}

function filterOf(given: Given): BatchFilter {
  const offsets = new KeyOffsets({ bytes: 1 << 16, mostKeys: 1000, firstOffset: 0, secret })
  for (const [key, offset] of Object.entries(given.latest ?? {})) offsets.put(text.encode(key), 0, key.length, offset)
  const view: FilterView = {
    ...{ offsets, end: given.end ?? 1000, transactions: new CleanedTransactions(given.aborted ?? []) },
    ...{ lastOffsets: new Map(given.lastOffsets ?? []), now: given.now ?? now },
    ...{ deleteRetentionMs, maxDecompressedBytes: 1 << 20 },
  }
  return new BatchFilter(view)
}

/** `a=1` a record, `a` a tombstone, `=1` one without a key. */
function batchOf(spec: string, options: Parameters<typeof encodeBatch>[1] = {}): Uint8Array {
  const records = spec.split(' ').map((part, i) => {
    const [key, value] = part.split('=')
    return { key: key === '' ? null : key!, value: value ?? null, timestamp: 500 + i }
  })
  return encodeBatch(records, { baseOffset: 10, ...options })
}

/** `offset:key=value`, as above. */
function read(bytes: Uint8Array): string {
  const records = Array.from(decodeRecords(bytes), ({ offset, key, value, timestamp }) => {
    assert.equal(timestamp, 500 + offset - 10)
    return `${offset}:${key ? Buffer.from(key) : ''}${value ? `=${Buffer.from(value)}` : ''}`
  })
  return records.join(' ')
}

function outcome(filter: BatchFilter, bytes: Uint8Array): string {
  const filtered = filter.filter(bytes, readBatch(bytes))
  if (typeof filtered === 'string') return filtered
  assert.ok(hasValidCrc(filtered))
  const before = readBatch(bytes)
  const after = readBatch(filtered)
  assert.deepEqual(
    [after.baseOffset, after.lastOffset, after.producerId, after.baseSequence],
    [before.baseOffset, before.lastOffset, before.producerId, before.baseSequence],
  )
  return after.recordCount === 0 ? 'emptied' : read(filtered)
}

const data: Record<string, [spec: string, given: Given, expected: string]> = {
  'a batch of which everything stays is untouched': ['a=1 b=2', {}, 'same'],
  'a record that a later one supersedes goes': ['a=1 b=2', { latest: { a: 90 } }, '11:b=2'],
  'the last record of a key stays': ['a=1 b=2', { latest: { a: 10, b: 11 } }, 'same'],
  'of one key twice in a batch the later stays': ['a=1 a=2', { latest: { a: 11 } }, '11:a=2'],
  'holes keep the offsets of the rest': ['a=1 b=2 c=3 d=4', { latest: { b: 90, c: 90 } }, '10:a=1 13:d=4'],
  'a batch of which nothing stays goes': ['a=1 b=2', { latest: { a: 90, b: 91 } }, 'gone'],
  'a record without a key goes': ['=1 b=2', {}, '11:b=2'],
  'what the pass does not reach stays': ['a=1', { latest: { a: 90 }, end: 10 }, 'same'],
  'a tombstone gets its horizon': ['a b=2', {}, '10:a 11:b=2'],
  'a tombstone that a later record supersedes goes at once': ['a b=2', { latest: { a: 90 } }, '11:b=2'],
}

describe('of a batch of data', () => {
  for (const [claim, [spec, given, expected]] of Object.entries(data)) {
    test(claim, () => {
      for (const compression of ['none', 'gzip', 'lz4'] as const)
        assert.equal(outcome(filterOf(given), batchOf(spec, { compression })), expected)
    })
  }
})

test('a tombstone stays until the horizon its first pass set, and not longer', () => {
  const first = filterOf({}).filter(batchOf('a b=2'), readBatch(batchOf('a b=2'))) as Uint8Array
  assert.ok(readBatch(first).hasDeleteHorizon)
  assert.equal(readBatch(first).baseTimestamp, now + deleteRetentionMs)
  assert.equal(outcome(filterOf({ now: now + 999 }), first), 'same')
  assert.equal(outcome(filterOf({ now: now + 1000 }), first), '11:b=2')
})

test('the last batch of an active producer is kept empty, and stays so', () => {
  const bytes = batchOf('a=1 b=2', { producerId: 7n, producerEpoch: 0, baseSequence: 3, compression: 'gzip' })
  const given: Given = { latest: { a: 90, b: 91 }, lastOffsets: [[7n, 11]] }
  assert.equal(outcome(filterOf(given), bytes), 'emptied')
  const emptied = filterOf(given).filter(bytes, readBatch(bytes)) as Uint8Array
  assert.equal(outcome(filterOf(given), emptied), 'same')
  assert.equal(outcome(filterOf({ ...given, lastOffsets: [[7n, 80]] }), emptied), 'gone')
})

describe('of transactions', () => {
  const producer = { producerId: 7n, producerEpoch: 0, transactional: true }
  const sent = (baseOffset: number) => batchOf('a=1', { ...producer, baseSequence: 0, baseOffset })
  const marker = (baseOffset: number, type: 'commit' | 'abort') =>
    encodeControlBatch({ producerId: 7n, producerEpoch: 0, type, coordinatorEpoch: 0, timestamp: 500, baseOffset })
  const outcomes = (filter: BatchFilter, ...batches: Uint8Array[]) =>
    batches.map(bytes => {
      const filtered = filter.filter(bytes, readBatch(bytes))
      return typeof filtered === 'string' ? filtered : 'changed'
    })

  test('aborted data goes, and its marker stays with it gone', () => {
    const aborted = [{ producerId: 7n, firstOffset: 10, lastOffset: 12 }]
    assert.deepEqual(outcomes(filterOf({ aborted }), sent(10), sent(11), marker(12, 'abort')), ['gone', 'gone', 'same'])
  })

  test('what the same producer commits later stays', () => {
    const aborted = [{ producerId: 7n, firstOffset: 10, lastOffset: 11 }]
    assert.deepEqual(outcomes(filterOf({ aborted }), sent(10), marker(11, 'abort'), sent(12), marker(13, 'commit')), [
      'gone',
      'same',
      'same',
      'same',
    ])
  })

  test('a marker with nothing of its transaction left gets a horizon, and goes when that has passed', () => {
    for (const type of ['commit', 'abort'] as const) {
      const bytes = marker(12, type)
      const dated = filterOf({}).filter(bytes, readBatch(bytes)) as Uint8Array
      assert.equal(readBatch(dated).baseTimestamp, now + deleteRetentionMs)
      assert.deepEqual(outcomes(filterOf({ now: now + 999 }), dated), ['same'])
      assert.deepEqual(outcomes(filterOf({ now: now + 1000 }), dated), ['gone'])
      assert.deepEqual(outcomes(filterOf({ now: now + 1000 }), sent(11), dated), ['same', 'same'])
    }
  })

  test('an emptied batch of its transaction keeps a marker', () => {
    const given: Given = { latest: { a: 90 }, lastOffsets: [[7n, 10]] }
    assert.deepEqual(outcomes(filterOf(given), sent(10), marker(11, 'commit')), ['changed', 'same'])
  })
})
