import {
  attribute,
  type Codec,
  codecs,
  at as field,
  lengthOverhead,
  writeBigInt64,
  writeInt16,
  writeInt32,
  writeInt64,
} from './batch-layout.ts'
import { crc32c } from './crc32c.ts'

/** What a batch's header says, besides what follows from its bytes. */
export interface BatchFields {
  readonly recordCount: number
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly compression: Codec
  /** 0 unless given: the broker sets it. */
  readonly baseOffset?: number | undefined
  readonly leaderEpoch?: number | undefined
  /** -1n unless given: not idempotent. */
  readonly producerId?: bigint | undefined
  readonly producerEpoch?: number | undefined
  readonly baseSequence?: number | undefined
  readonly transactional?: boolean | undefined
  readonly control?: boolean | undefined
}

/** Writes the header of a batch whose records stand in their place already, and last its checksum. Returns the same bytes. */
export function sealBatch(bytes: Uint8Array, fields: BatchFields): Uint8Array {
  const attributes =
    codecs.indexOf(fields.compression) |
    (fields.transactional ? attribute.transactional : 0) |
    (fields.control ? attribute.control : 0)
  writeInt64(bytes, field.baseOffset, fields.baseOffset ?? 0)
  writeInt32(bytes, field.batchLength, bytes.length - lengthOverhead)
  writeInt32(bytes, field.partitionLeaderEpoch, fields.leaderEpoch ?? -1)
  bytes[field.magic] = 2
  writeInt16(bytes, field.attributes, attributes)
  writeInt32(bytes, field.lastOffsetDelta, fields.recordCount - 1)
  writeInt64(bytes, field.baseTimestamp, fields.baseTimestamp)
  writeInt64(bytes, field.maxTimestamp, fields.maxTimestamp)
  writeBigInt64(bytes, field.producerId, fields.producerId ?? -1n)
  writeInt16(bytes, field.producerEpoch, fields.producerEpoch ?? -1)
  writeInt32(bytes, field.baseSequence, fields.baseSequence ?? -1)
  writeInt32(bytes, field.recordCount, fields.recordCount)
  writeInt32(bytes, field.crc, crc32c(bytes, field.attributes, bytes.length))
  return bytes
}
