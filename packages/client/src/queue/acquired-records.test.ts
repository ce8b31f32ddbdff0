import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeBatch, encodeControlBatch } from '@odradek/protocol'
import { readAcquired } from './acquired-records.ts'

const batch = (baseOffset: number, count: number) =>
  encodeBatch(
    Array.from({ length: count }, (_, i) => ({ value: Buffer.from(`${baseOffset + i}`) })),
    { baseOffset },
  )
const range = (firstOffset: number, lastOffset: number, deliveryCount = 1) => ({
  firstOffset,
  lastOffset,
  deliveryCount,
})
const read = (bytes: Uint8Array | null, ...ranges: ReturnType<typeof range>[]) => {
  const { records, gaps, damaged } = readAcquired(bytes, ranges)
  return { records: records.map(({ offset, deliveryCount }) => `${offset}/${deliveryCount}`), gaps, damaged }
}

test('of whole batches those records are taken that were acquired', () => {
  const bytes = Buffer.concat([batch(0, 4), batch(4, 4)])
  assert.deepEqual(read(bytes, range(6, 6, 2), range(2, 4)), {
    records: ['2/1', '3/1', '4/1', '6/2'],
    gaps: [],
    damaged: [],
  })
})

test('what has no record is a gap: compacted away, or the marker of a transaction', () => {
  const marker = encodeControlBatch({
    type: 'commit',
    coordinatorEpoch: 0,
    timestamp: 0,
    producerId: 1n,
    producerEpoch: 0,
    baseOffset: 2,
  })
  const bytes = Buffer.concat([batch(0, 2), marker, batch(5, 1)])
  assert.deepEqual(read(bytes, range(0, 5)), { records: ['0/1', '1/1', '5/1'], gaps: [2, 3, 4], damaged: [] })
  assert.deepEqual(read(null, range(7, 8)), { records: [], gaps: [7, 8], damaged: [] })
})

test('a damaged batch is told apart, and the rest is read', () => {
  const first = batch(0, 2)
  first[first.length - 1]! ^= 1
  const { records, damaged, damage } = readAcquired(Buffer.concat([first, batch(2, 1)]), [range(0, 2)])
  assert.deepEqual([records.map(({ offset }) => offset), damaged, damage?.code], [[2], [0, 1], 'CORRUPTION'])
})
