import { DecodeError } from '../errors.ts'
import {
  attribute,
  batchOverhead,
  type Codec,
  codecs,
  at as field,
  lengthOverhead,
  readBigInt64,
  readInt16,
  readInt32,
  readInt64,
  type TimestampType,
} from './batch-layout.ts'

/**
 * The 61 bytes in front of a batch's records: all that a broker needs to know of it. Layout in batch-layout.ts.
 *
 * Read from foreign bytes, so what cannot be true is refused: a length below the header's, a count or last offset delta below zero,
 * an offset or timestamp that no `number` holds exactly. The checksum is not looked at; see hasValidCrc.
 */
export class BatchHeader {
  /** Where the batch begins in the bytes it was read from. */
  readonly at: number
  readonly baseOffset: number
  /** The whole batch, from baseOffset to its last record. */
  readonly sizeInBytes: number
  readonly partitionLeaderEpoch: number
  readonly magic: number
  readonly crc: number
  readonly attributes: number
  readonly lastOffsetDelta: number
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
  /** Fewer than lastOffsetDelta + 1 after compaction, even zero. */
  readonly recordCount: number

  constructor(bytes: Uint8Array, at: number) {
    this.at = at
    this.baseOffset = exactInt64(bytes, at + field.baseOffset, 'base offset')
    this.sizeInBytes = batchSizeAt(bytes, at)
    this.partitionLeaderEpoch = readInt32(bytes, at + field.partitionLeaderEpoch)
    this.magic = bytes[at + field.magic]!
    if (this.magic !== 2)
      throw new DecodeError(`record batch at byte ${at} has magic ${this.magic}; only magic 2 is read`)
    this.crc = readInt32(bytes, at + field.crc) >>> 0
    this.attributes = readInt16(bytes, at + field.attributes)
    this.lastOffsetDelta = notNegative(bytes, at + field.lastOffsetDelta, 'last offset delta')
    this.baseTimestamp = exactInt64(bytes, at + field.baseTimestamp, 'base timestamp')
    this.maxTimestamp = exactInt64(bytes, at + field.maxTimestamp, 'max timestamp')
    this.producerId = readBigInt64(bytes, at + field.producerId)
    this.producerEpoch = readInt16(bytes, at + field.producerEpoch)
    this.baseSequence = readInt32(bytes, at + field.baseSequence)
    this.recordCount = notNegative(bytes, at + field.recordCount, 'record count')
  }

  /** The first byte after the batch. */
  get end(): number {
    return this.at + this.sizeInBytes
  }

  get lastOffset(): number {
    return this.baseOffset + this.lastOffsetDelta
  }

  get compression(): Codec {
    const codec = codecs[this.attributes & attribute.compression]
    if (codec === undefined)
      throw new DecodeError(
        `record batch at byte ${this.at} names compression ${this.attributes & attribute.compression}, which does not exist`,
      )
    return codec
  }

  get timestampType(): TimestampType {
    return (this.attributes & attribute.logAppendTime) !== 0 ? 'LogAppendTime' : 'CreateTime'
  }

  get isTransactional(): boolean {
    return (this.attributes & attribute.transactional) !== 0
  }

  get isControl(): boolean {
    return (this.attributes & attribute.control) !== 0
  }

  /** Compaction's first pass has put the time from which tombstones may go into baseTimestamp; record timestamps still count from it. */
  get hasDeleteHorizon(): boolean {
    return (this.attributes & attribute.deleteHorizon) !== 0
  }
}

/** The header of the batch that begins at `at`. Its records need not be there yet: compare `end` with what is. */
export function readBatch(bytes: Uint8Array, at = 0): BatchHeader {
  if (bytes.length - at < batchOverhead || at < 0)
    throw new DecodeError(
      `${Math.max(0, bytes.length - at)} bytes at byte ${at} are too few for a record batch's header of ${batchOverhead}`,
    )
  return new BatchHeader(bytes, at)
}

/** The format of the batch or message set at `at` without reading on (every magic keeps it in the same place); null when there are too few bytes. */
export function magicOf(bytes: Uint8Array, at = 0): number | null {
  return bytes[at + field.magic] ?? null
}

/** Whole batches one after the other. Ends quietly before a batch that is cut off: a fetch may end within one. */
export function* eachBatch(bytes: Uint8Array, at = 0): Generator<BatchHeader, void, undefined> {
  let next = at
  while (bytes.length - next >= batchOverhead) {
    if (batchSizeAt(bytes, next) > bytes.length - next) return
    const header = new BatchHeader(bytes, next)
    next = header.end
    yield header
  }
}

function batchSizeAt(bytes: Uint8Array, at: number): number {
  const size = readInt32(bytes, at + field.batchLength) + lengthOverhead
  if (size < batchOverhead)
    throw new DecodeError(
      `record batch at byte ${at} says it is ${size} bytes long; a header alone is ${batchOverhead}`,
    )
  return size
}

function exactInt64(bytes: Uint8Array, i: number, what: string): number {
  const value = readInt64(bytes, i)
  if (!Number.isSafeInteger(value)) throw new DecodeError(`${what} at byte ${i} is beyond 2^53`)
  return value
}

function notNegative(bytes: Uint8Array, i: number, what: string): number {
  const value = readInt32(bytes, i)
  if (value < 0) throw new DecodeError(`${what} at byte ${i} is ${value}`)
  return value
}
