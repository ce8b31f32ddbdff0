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

/** Room for so many bytes, all of which will be written. */
type TakeRoom = (size: number) => Uint8Array

const newRoom: TakeRoom = size => new Uint8Array(size)

/**
 * What is left of the batch at `header.at` of `batch` when only some of its records stay. Base offset, last offset delta, producer and
 * sequence are as before: it still stands for all its offsets. An emptied one is a header alone.
 */
export function retainedBatch(
  batch: Uint8Array,
  header: BatchHeader,
  retained: RetainedRecords,
  take: TakeRoom = newRoom,
): Uint8Array {
  const { recordCount, maxTimestamp, deleteHorizon } = retained
  const isEmpty = recordCount === 0
  const bytes = withRoomForHeader(header, retained, take)
  bytes.set(batch.subarray(header.at, header.at + batchOverhead))
  const kept = isEmpty ? header.attributes & ~attribute.compression : header.attributes
  writeInt32(bytes, field.batchLength, bytes.length - lengthOverhead)
  writeInt16(bytes, field.attributes, deleteHorizon === undefined ? kept : kept | attribute.deleteHorizon)
  if (deleteHorizon !== undefined) writeInt64(bytes, field.baseTimestamp, deleteHorizon)
  writeInt64(bytes, field.maxTimestamp, maxTimestamp)
  writeInt32(bytes, field.recordCount, recordCount)
  writeInt32(bytes, field.crc, crc32c(bytes, field.attributes, bytes.length))
  return bytes
}

/** The records, as they are stored, behind room for a header. What needs no other change is copied once. */
function withRoomForHeader(header: BatchHeader, retained: RetainedRecords, take: TakeRoom): Uint8Array {
  const { deleteHorizon, recordCount } = retained
  const isPlain = recordCount === 0 || header.compression === 'none'
  if (isPlain && deleteHorizon === undefined) {
    const bytes = take(batchOverhead + sizeOf(retained.runs))
    copyRuns(retained, bytes, batchOverhead)
    return bytes
  }
  const records =
    deleteHorizon === undefined ? copied(retained) : retimed(retained, header.baseTimestamp - deleteHorizon)
  const packed = isPlain ? records : compress(header.compression, records)
  const bytes = take(batchOverhead + packed.length)
  bytes.set(packed, batchOverhead)
  return bytes
}

function copied(retained: RetainedRecords): Uint8Array {
  const { bytes, runs } = retained
  if (runs.length === 2) return bytes.subarray(runs[0], runs[1])
  const records = new Uint8Array(sizeOf(runs))
  copyRuns(retained, records, 0)
  return records
}

function sizeOf(runs: readonly number[]): number {
  let size = 0
  for (let i = 0; i < runs.length; i += 2) size += runs[i + 1]! - runs[i]!
  return size
}

function copyRuns({ bytes, runs }: RetainedRecords, to: Uint8Array, from: number): void {
  let at = from
  for (let i = 0; i < runs.length; i += 2) {
    to.set(bytes.subarray(runs[i], runs[i + 1]), at)
    at += runs[i + 1]! - runs[i]!
  }
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
