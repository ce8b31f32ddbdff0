/**
 * The few fields of a record batch v2 that a log needs for each batch it passes over, read without making an object.
 *
 *     0  base offset int64 │ 8  length int32 (of what follows) │ 12  leader epoch int32 │ 16  magic │ 17  crc │ 21  attributes
 *     23 last offset delta int32 │ 27  base timestamp │ 35  max timestamp int64 │ 43 … 61  producer, count │ records
 */
export const batchOverhead = 61
const lengthEnd = 12

export const baseOffsetAt = (bytes: Uint8Array, at: number): number => int64At(bytes, at)
/** Of the whole batch. */
export const batchSizeAt = (bytes: Uint8Array, at: number): number => lengthEnd + int32At(bytes, at + 8)
/** The offset after the batch's last. */
export const nextOffsetAt = (bytes: Uint8Array, at: number): number => int64At(bytes, at) + int32At(bytes, at + 23) + 1

/** Whether a header that a log would have written stands here. `bytes` holds at least `batchOverhead` from `at`. */
export function looksLikeBatch(bytes: Uint8Array, at: number, expectedOffset: number): boolean {
  return (
    batchSizeAt(bytes, at) >= batchOverhead &&
    bytes[at + 16] === 2 &&
    int32At(bytes, at + 23) >= 0 &&
    baseOffsetAt(bytes, at) >= expectedOffset
  )
}

function int32At(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}

function int64At(bytes: Uint8Array, at: number): number {
  return int32At(bytes, at) * 2 ** 32 + (int32At(bytes, at + 4) >>> 0)
}
