/**
 * Where the fields of a record batch v2 stand, and its attribute bits. All integers are big-endian; see FORMAT.md.
 *
 *     0 baseOffset  8 batchLength  12 partitionLeaderEpoch  16 magic  17 crc  21 attributes  23 lastOffsetDelta
 *     27 baseTimestamp  35 maxTimestamp  43 producerId  51 producerEpoch  53 baseSequence  57 recordCount  61 records…
 */
export const at = {
  baseOffset: 0,
  batchLength: 8,
  partitionLeaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
  records: 61,
} as const

/** Bytes of a batch without its records. */
export const batchOverhead = 61
/** baseOffset and batchLength, which batchLength itself does not count. */
export const lengthOverhead = 12

export const attribute = {
  compression: 0x07,
  logAppendTime: 0x08,
  transactional: 0x10,
  control: 0x20,
  deleteHorizon: 0x40,
} as const

/** By their number in the attributes. */
export const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type Codec = (typeof codecs)[number]

export type TimestampType = 'CreateTime' | 'LogAppendTime'

const highUnit = 0x1_0000_0000

/** Beyond 2^53 the result is not exact; callers that read foreign bytes check with Number.isSafeInteger. */
export function readInt64(bytes: Uint8Array, i: number): number {
  return readInt32(bytes, i) * highUnit + (readInt32(bytes, i + 4) >>> 0)
}

export function readInt32(bytes: Uint8Array, i: number): number {
  return (bytes[i]! << 24) | (bytes[i + 1]! << 16) | (bytes[i + 2]! << 8) | bytes[i + 3]!
}

export function readInt16(bytes: Uint8Array, i: number): number {
  return ((bytes[i]! << 24) >> 16) | bytes[i + 1]!
}

export function writeInt64(bytes: Uint8Array, i: number, value: number): void {
  writeInt32(bytes, i, Math.floor(value / highUnit))
  writeInt32(bytes, i + 4, value % highUnit)
}

export function writeInt32(bytes: Uint8Array, i: number, value: number): void {
  bytes[i] = value >> 24
  bytes[i + 1] = value >> 16
  bytes[i + 2] = value >> 8
  bytes[i + 3] = value
}

export function writeInt16(bytes: Uint8Array, i: number, value: number): void {
  bytes[i] = value >> 8
  bytes[i + 1] = value
}

export function readBigInt64(bytes: Uint8Array, i: number): bigint {
  return (BigInt(readInt32(bytes, i)) << 32n) | BigInt(readInt32(bytes, i + 4) >>> 0)
}

export function writeBigInt64(bytes: Uint8Array, i: number, value: bigint): void {
  writeInt32(bytes, i, Number(BigInt.asIntN(32, value >> 32n)))
  writeInt32(bytes, i + 4, Number(BigInt.asIntN(32, value)))
}
