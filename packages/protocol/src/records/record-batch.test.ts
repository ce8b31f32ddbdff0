import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DecodeError, UsageError } from '../errors.ts'
import { at as field, writeInt16, writeInt32, writeInt64 } from './batch-layout.ts'
import {
  BatchBuilder,
  decodeControlBatch,
  decodeRecords,
  encodeBatch,
  encodeControlBatch,
  hasValidCrc,
  magicOf,
  patchBaseOffset,
  patchLeaderEpoch,
  patchMaxTimestamp,
  patchProducer,
  readBatch,
} from './index.ts'

const three = () =>
  encodeBatch([
    { key: 'a', value: '1', timestamp: 1000 },
    { key: 'b', timestamp: 900 },
    { value: '3', timestamp: 1100 },
  ])
const timestamps = (batch: Uint8Array) => [...decodeRecords(batch)].map(record => record.timestamp)

function changed(change: (batch: Uint8Array) => void): Uint8Array {
  const batch = three()
  change(batch)
  return batch
}

test('a batch is laid out byte for byte as the format says', () => {
  const batch = encodeBatch([{ key: 'k', value: 'v', headers: [['h', null]], timestamp: 5 }], {
    baseOffset: 3,
    producerId: 9n,
    producerEpoch: 1,
    baseSequence: 7,
    leaderEpoch: 2,
    transactional: true,
  })
  const hex = Buffer.from(batch).toString('hex')
  assert.equal(hex.slice(0, 34), '0000000000000003' + '0000003d' + '00000002' + '02')
  assert.equal(
    hex.slice(42),
    '0010' +
      '00000000' +
      '0000000000000005'.repeat(2) +
      '0000000000000009' +
      '0001' +
      '00000007' +
      '00000001' +
      '16' +
      '00' +
      '00' +
      '00' +
      '026b' +
      '0276' +
      '02' +
      '0268' +
      '01',
  )
  assert.ok(hasValidCrc(batch))
})

test('a broker sets base offset and leader epoch without touching the checksum', () => {
  const batch = three()
  patchBaseOffset(batch, 0, 2 ** 40 + 5)
  patchLeaderEpoch(batch, 0, 12)
  const header = readBatch(batch)
  assert.deepEqual([header.baseOffset, header.lastOffset, header.partitionLeaderEpoch], [2 ** 40 + 5, 2 ** 40 + 7, 12])
  assert.ok(hasValidCrc(batch))
  assert.deepEqual(
    [...decodeRecords(batch)].map(record => record.offset),
    [2 ** 40 + 5, 2 ** 40 + 6, 2 ** 40 + 7],
  )
})

test('with log append time every record has the time of the batch, and the checksum is made anew', () => {
  const batch = three()
  patchMaxTimestamp(batch, 0, 5000, 'LogAppendTime')
  assert.ok(hasValidCrc(batch))
  assert.equal(readBatch(batch).timestampType, 'LogAppendTime')
  assert.deepEqual(timestamps(batch), [5000, 5000, 5000])
  patchMaxTimestamp(batch, 0, 1100, 'CreateTime')
  assert.deepEqual(timestamps(batch), [1000, 900, 1100])
  assert.deepEqual(batch, three())
})

test('a producer with a new epoch numbers a batch anew', () => {
  const batch = three()
  patchProducer(batch, 0, { producerId: 2n ** 62n, producerEpoch: 3, baseSequence: 17 })
  const { producerId, producerEpoch, baseSequence } = readBatch(batch)
  assert.deepEqual([producerId, producerEpoch, baseSequence], [2n ** 62n, 3, 17])
  assert.ok(hasValidCrc(batch))
})

test('one changed bit anywhere after the checksum is noticed', () => {
  const clean = three()
  for (let i: number = field.attributes; i < clean.length; i++) {
    const batch = changed(bytes => (bytes[i]! ^= 1 << (i % 8)))
    assert.equal(hasValidCrc(batch), false, `byte ${i}`)
  }
})

test('a batch that does not begin at byte 0, nor its bytes at the start of their buffer, is read where it stands', () => {
  const inner = Buffer.concat([Buffer.alloc(7), Buffer.alloc(5), three()]).subarray(7)
  assert.ok(hasValidCrc(inner, 5))
  assert.equal(readBatch(inner, 5).end, inner.length)
  assert.deepEqual(
    [...decodeRecords(inner, 5)].map(({ value }) => value && Buffer.from(value).toString()),
    ['1', null, '3'],
  )
})

test('records from an offset within a batch on are given without those before it', () => {
  assert.deepEqual(
    [...decodeRecords(encodeBatch(Array(100).fill({ value: 'x' }), { baseOffset: 50 })).from(147)].map(
      record => record.offset,
    ),
    [147, 148, 149],
  )
})

test('a batch emptied by compaction, compressed or not, has no records and keeps its last offset', () => {
  for (const attributes of [0, 2]) {
    const batch = changed(bytes => {
      writeInt32(bytes, field.batchLength, 49)
      writeInt16(bytes, field.attributes, attributes)
      writeInt32(bytes, field.recordCount, 0)
    }).subarray(0, 61)
    assert.deepEqual([...decodeRecords(batch)], [])
    assert.equal(readBatch(batch).lastOffset, 2)
  }
})

test('what a header cannot truthfully say is refused', () => {
  const lies: [string, (batch: Uint8Array) => void][] = [
    ['a length below the header', batch => writeInt32(batch, field.batchLength, 48)],
    ['a negative length', batch => writeInt32(batch, field.batchLength, -1)],
    ['another magic', batch => (batch[field.magic] = 1)],
    ['a base offset beyond 2^53', batch => writeInt64(batch, field.baseOffset, 2 ** 60)],
    ['a timestamp beyond 2^53', batch => writeInt64(batch, field.maxTimestamp, 2 ** 60)],
    ['a negative last offset delta', batch => writeInt32(batch, field.lastOffsetDelta, -1)],
    ['a negative count', batch => writeInt32(batch, field.recordCount, -1)],
  ]
  for (const [what, lie] of lies) assert.throws(() => readBatch(changed(lie)), DecodeError, what)
  assert.throws(() => readBatch(three().subarray(0, 60)), DecodeError)
})

test('records that do not fill the batch as it says are refused', () => {
  const lies: [string, (batch: Uint8Array) => void][] = [
    ['more records than bytes', batch => writeInt32(batch, field.recordCount, 2 ** 31 - 1)],
    ['one record more than there is', batch => writeInt32(batch, field.recordCount, 4)],
    ['one record less than there is', batch => writeInt32(batch, field.recordCount, 2)],
    ['an unknown codec', batch => writeInt16(batch, field.attributes, 5)],
    ['bytes that are not compressed', batch => writeInt16(batch, field.attributes, 1)],
    ['a last offset below a record', batch => writeInt32(batch, field.lastOffsetDelta, 1)],
    ['a record of negative length', batch => (batch[61] = 1)],
    ['a record beyond the batch', batch => (batch[61] = 126)],
    ['a key of length -2', batch => (batch[65] = 3)],
    ['a key beyond the record', batch => (batch[65] = 40)],
    ['more headers than bytes', batch => (batch[69] = 2)],
  ]
  for (const [what, lie] of lies) assert.throws(() => decodeRecords(changed(lie)).check(), DecodeError, what)
  assert.throws(() => decodeRecords(three().subarray(0, -1)), DecodeError)
})

test('a batch may not decompress to more than the caller allows', () => {
  for (const compression of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
    const bomb = encodeBatch([{ value: new Uint8Array(1_000_000) }], { compression })
    assert.ok(bomb.length < 50_000)
    assert.throws(() => decodeRecords(bomb, 0, 999_999), /more than the \d+/, compression)
    assert.equal([...decodeRecords(bomb, 0, 1_000_100)][0]?.value?.length, 1_000_000)
  }
})

test('a transaction marker says who ended what', () => {
  const batch = encodeControlBatch({
    type: 'abort',
    coordinatorEpoch: 4,
    producerId: 77n,
    producerEpoch: 2,
    timestamp: 123,
    baseOffset: 9,
  })
  const header = readBatch(batch)
  assert.ok(hasValidCrc(batch) && header.isControl && header.isTransactional)
  assert.deepEqual(
    [header.baseOffset, header.recordCount, header.producerId, header.baseSequence, header.maxTimestamp],
    [9, 1, 77n, -1, 123],
  )
  assert.deepEqual(decodeControlBatch(batch), { type: 'abort', coordinatorEpoch: 4 })
  assert.throws(() => decodeControlBatch(three()), DecodeError)
})

test('a record that cannot be written leaves the builder as it was', () => {
  const builder = new BatchBuilder()
  builder.append({ key: 'a', value: 'b' }, 1)
  const before = builder.build().slice()
  assert.throws(() => builder.append({ value: 5 as unknown as string }, 2), UsageError)
  assert.throws(() => builder.append({ headers: [[null as unknown as string, 'x']] }, 2), UsageError)
  assert.throws(() => builder.append({ value: 'c' }, 1.5), UsageError)
  assert.throws(() => builder.append({ value: 'c' }, Number.NaN), UsageError)
  assert.deepEqual(builder.build(), before)
})

test('the format of older messages can be told without reading them', () => {
  assert.equal(magicOf(three()), 2)
  assert.equal(magicOf(changed(batch => (batch[field.magic] = 1))), 1)
  assert.equal(magicOf(new Uint8Array(16)), null)
})
