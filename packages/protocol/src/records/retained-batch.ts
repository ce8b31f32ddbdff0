import type { BatchHeader } from './batch-header.ts'
import {
  attribute,
  batchOverhead,
  at as field,
  lengthOverhead,
  writeInt16,
  writeInt32,
  writeInt64,
} from './batch-layout.ts'
import { compress } from './compression/codec.ts'
import { crc32c } from './crc32c.ts'
import { sizeOfVarlong, VarintCursor, writeVarint, writeVarlong } from './varint.ts'

/** Which records of a batch stay. */
export interface RetainedRecords {
  /** The records of the batch, decompressed. */
  readonly bytes: Uint8Array
  /** From, to, from, to, …: runs of whole records within `bytes`. */
  readonly runs: readonly number[]
  readonly recordCount: number
  readonly maxTimestamp: number
  /** From when on tombstones and markers in the batch may go (KIP-534). Its records' timestamps are counted from it then. */
  readonly deleteHorizon?: number | undefined
}

/**
 * What is left of the batch at `header.at` of `batch` when only some of its records stay. Base offset, last offset delta, producer and
 * sequence are as before: it still stands for all its offsets. An emptied one is a header alone.
 */
export function retainedBatch(batch: Uint8Array, header: BatchHeader, retained: RetainedRecords): Uint8Array {
  const { recordCount, maxTimestamp, deleteHorizon } = retained
  const isEmpty = recordCount === 0
  const records =
    deleteHorizon === undefined ? copied(retained) : retimed(retained, header.baseTimestamp - deleteHorizon)
  const packed = isEmpty ? records : compress(header.compression, records)
  const bytes = new Uint8Array(batchOverhead + packed.length)
  bytes.set(batch.subarray(header.at, header.at + batchOverhead))
  bytes.set(packed, batchOverhead)
  const kept = isEmpty ? header.attributes & ~attribute.compression : header.attributes
  writeInt32(bytes, field.batchLength, bytes.length - lengthOverhead)
  writeInt16(bytes, field.attributes, deleteHorizon === undefined ? kept : kept | attribute.deleteHorizon)
  if (deleteHorizon !== undefined) writeInt64(bytes, field.baseTimestamp, deleteHorizon)
  writeInt64(bytes, field.maxTimestamp, maxTimestamp)
  writeInt32(bytes, field.recordCount, recordCount)
  writeInt32(bytes, field.crc, crc32c(bytes, field.attributes, bytes.length))
  return bytes
}

function copied({ bytes, runs }: RetainedRecords): Uint8Array {
  if (runs.length === 2) return bytes.subarray(runs[0], runs[1])
  let size = 0
  for (let i = 0; i < runs.length; i += 2) size += runs[i + 1]! - runs[i]!
  const records = new Uint8Array(size)
  let at = 0
  for (let i = 0; i < runs.length; i += 2) {
    records.set(bytes.subarray(runs[i], runs[i + 1]), at)
    at += runs[i + 1]! - runs[i]!
  }
  return records
}

/** A timestamp delta and the length before it may each take more bytes than they did. */
const mostGrowth = 13

/** The records, each with its timestamp delta moved by `shift`. */
function retimed({ bytes, runs, recordCount }: RetainedRecords, shift: number): Uint8Array {
  const before = copied({ bytes, runs, recordCount, maxTimestamp: 0 })
  const after = new Uint8Array(before.length + recordCount * mostGrowth)
  const cursor = new VarintCursor(before, 0, before.length)
  let to = 0
  while (cursor.at < before.length) {
    const length = cursor.varint()
    const bodyAt = cursor.at
    cursor.at++
    const oldDelta = cursor.varlong()
    const restAt = cursor.at
    const rest = before.subarray(restAt, bodyAt + length)
    const delta = oldDelta + shift
    to = writeVarint(after, to, 1 + sizeOfVarlong(delta) + rest.length)
    after[to++] = before[bodyAt]!
    to = writeVarlong(after, to, delta)
    after.set(rest, to)
    to += rest.length
    cursor.at = bodyAt + length
  }
  return after.subarray(0, to)
}
