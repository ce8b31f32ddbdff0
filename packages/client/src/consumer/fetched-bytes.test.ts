import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  batchOverhead,
  CorruptionError,
  encodeBatch,
  encodeControlBatch,
  type LazyRecord,
  patchMaxTimestamp,
} from '@odradek/protocol'
import { type AbortedTransaction, FetchedBytes } from './fetched-bytes.ts'

type Batch = Parameters<typeof encodeBatch>[1] & { values: string[] }

const batch = ({ values, ...options }: Batch): Uint8Array =>
  encodeBatch(
    values.map(value => ({ value: Buffer.from(value) })),
    options,
  )
const marker = (type: 'abort' | 'commit', baseOffset: number, producerId: bigint): Uint8Array =>
  encodeControlBatch({ type, coordinatorEpoch: 0, producerId, producerEpoch: 0, timestamp: 0, baseOffset })

const fetched = (parts: Uint8Array[], from = 0, aborted: AbortedTransaction[] | null = null): FetchedBytes =>
  new FetchedBytes(Buffer.concat(parts), from, { topic: 't', partition: 0, aborted, checkCrcs: true })

const takeAll = (from: FetchedBytes, max = 100): string[] => {
  const all: string[] = []
  for (let left = 1000; !from.isExhausted; left--) {
    assert(left > 0, 'never ends')
    const records: LazyRecord[] = []
    from.take(max, records)
    assert(records.length <= max)
    all.push(...records.map(r => `${r.offset}=${Buffer.from(r.value!)}`))
  }
  return all
}

const tx = (baseOffset: number, producerId: bigint, ...values: string[]): Uint8Array =>
  batch({ values, baseOffset, producerId, producerEpoch: 0, baseSequence: 0, transactional: true })

test('a fetch offset inside a batch passes over the records before it', () => {
  const bytes = [batch({ values: ['a', 'b', 'c', 'd'], baseOffset: 10 })]
  assert.deepEqual(takeAll(fetched(bytes, 12)), ['12=c', '13=d'])
  assert.deepEqual(takeAll(fetched(bytes, 12), 1), ['12=c', '13=d'])
})

test('records come in the portions asked for, and the position follows them', () => {
  const from = fetched([
    batch({ values: ['a', 'b', 'c'], baseOffset: 0 }),
    batch({ values: ['d', 'e'], baseOffset: 3 }),
  ])
  const records: LazyRecord[] = []
  assert.equal(from.take(2, records), 2)
  assert.equal(from.nextOffset, 2)
  assert.equal(from.take(2, records), 2)
  assert.equal(from.nextOffset, 4)
  assert.equal(from.take(2, records), 1)
  assert.deepEqual([from.nextOffset, from.isExhausted, from.endOffset], [5, true, 5])
})

test('control batches are nobody’s records, but take offsets', () => {
  const from = fetched([tx(0, 5n, 'a'), marker('commit', 1, 5n)])
  assert.deepEqual(takeAll(from), ['0=a'])
  assert.equal(from.nextOffset, 2)
})

test('a batch that compaction has emptied is passed over', () => {
  const empty = Uint8Array.from(batch({ values: ['gone'], baseOffset: 4 }).subarray(0, batchOverhead))
  const view = new DataView(empty.buffer)
  view.setInt32(8, batchOverhead - 12)
  view.setInt32(57, 0)
  patchMaxTimestamp(empty, 0, 0, 'CreateTime')
  const from = fetched([empty, batch({ values: ['x'], baseOffset: 9 })], 4)
  assert.deepEqual(takeAll(from), ['9=x'])
  assert.equal(from.nextOffset, 10)
})

test('with read_committed aborted transactions are left out, whoever else writes in between', () => {
  const bytes = [
    tx(0, 1n, 'a'),
    tx(1, 2n, 'b'),
    batch({ values: ['plain'], baseOffset: 2 }),
    marker('abort', 3, 1n),
    tx(4, 1n, 'a again'),
    marker('commit', 5, 2n),
    marker('commit', 6, 1n),
  ]
  assert.deepEqual(takeAll(fetched(bytes, 0, [{ producerId: 1n, firstOffset: 0 }])), ['1=b', '2=plain', '4=a again'])
  assert.deepEqual(takeAll(fetched(bytes, 0, null)).length, 4, 'read_uncommitted sees them all')
})

test('a producer that aborts twice is left out twice', () => {
  const bytes = [
    tx(0, 1n, 'a'),
    marker('abort', 1, 1n),
    tx(2, 1n, 'b'),
    marker('commit', 3, 1n),
    tx(4, 1n, 'c'),
    marker('abort', 5, 1n),
  ]
  const aborted = [
    { producerId: 1n, firstOffset: 4 },
    { producerId: 1n, firstOffset: 0 },
  ]
  assert.deepEqual(takeAll(fetched(bytes, 0, aborted)), ['2=b'])
})

test('a batch that is cut off is left for the next fetch', () => {
  const whole = batch({ values: ['a'], baseOffset: 0 })
  const from = fetched([whole, batch({ values: ['b'], baseOffset: 1 }).subarray(0, 50)])
  assert.equal(from.endOffset, 1)
  assert.deepEqual(takeAll(from), ['0=a'])
  assert(fetched([whole.subarray(0, 60)]).isExhausted, 'nothing whole: the fetcher asks for more bytes')
})

test('a damaged batch is reported with its place, after what came before it', () => {
  const bad = Uint8Array.from(batch({ values: ['b'], baseOffset: 1 }))
  bad[bad.length - 2]! ^= 1
  const from = fetched([batch({ values: ['a'], baseOffset: 0 }), bad])
  const records: LazyRecord[] = []
  assert.throws(
    () => from.take(9, records),
    error => error instanceof CorruptionError && /offset 1 of t-0/.test(error.message),
  )
  assert.deepEqual([records.length, from.nextOffset], [1, 1])
})

test('records handed out together are of one leader epoch', () => {
  const from = fetched([
    batch({ values: ['a'], baseOffset: 0, leaderEpoch: 3 }),
    batch({ values: ['b'], baseOffset: 1, leaderEpoch: 4 }),
  ])
  const records: LazyRecord[] = []
  assert.deepEqual([from.take(10, records), from.leaderEpoch], [1, 3])
  assert.deepEqual([from.take(10, records), from.leaderEpoch], [1, 4])
})

test('compressed batches are read like others', () => {
  for (const compression of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
    assert.deepEqual(takeAll(fetched([batch({ values: ['a', 'b'], baseOffset: 7, compression })], 8)), ['8=b'])
  }
})
