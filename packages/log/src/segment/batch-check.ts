/**
 * Whether the bytes at a place in a segment are a batch as it was written.
 *
 * Its checksum covers all but the first 21 bytes. Of those, a wrong length or magic number does not go with the checksum; a base offset
 * that is too small shows at once; one that is too large leaves a gap before the batch, as compaction may do, and is told from that by
 * the next batch, which begins too early then.
 */
import { hasValidCrc } from '@odradek/protocol'
import { baseOffsetAt, batchOverhead, batchSizeAt, looksLikeBatch, nextOffsetAt } from './batch-fields.ts'

/** A place in a segment between two batches. */
export interface SegmentPlace {
  position: number
  /** The batch there holds this offset or begins after it. */
  nextOffset: number
}

/** Where a segment, or the part of it that is looked at, ends. */
export interface SegmentLimit extends SegmentPlace {
  /** It takes appends: nothing was compacted, no offset is missing. */
  isDense?: boolean
}

/** 0: it is good. A number: so many bytes are needed to say. A string: what is wrong. No batch reaches past `limit`. */
export function checkBatch(bytes: Uint8Array, at: number, place: SegmentPlace, limit: SegmentLimit): number | string {
  const left = bytes.length - at
  const room = limit.position - place.position
  if (room < batchOverhead) return `a batch is cut off after ${room} bytes`
  if (left < batchOverhead) return batchOverhead
  if (!looksLikeBatch(bytes, at, 0)) return 'no batch begins here'
  const size = batchSizeAt(bytes, at)
  if (size > room) return `a batch of ${size} bytes is cut off after ${room}`
  const isAfterGap = baseOffsetAt(bytes, at) > place.nextOffset && room >= size + batchOverhead
  const needed = isAfterGap ? size + batchOverhead : size
  if (needed > left) return needed
  if (!hasValidCrc(bytes, at)) return 'a batch does not match its checksum'
  return checkOffsets(bytes, at, place, limit, isAfterGap) ?? 0
}

function checkOffsets(
  bytes: Uint8Array,
  at: number,
  place: SegmentPlace,
  limit: SegmentLimit,
  isAfterGap: boolean,
): string | undefined {
  const base = baseOffsetAt(bytes, at)
  if (base < place.nextOffset) return `a batch has offset ${base} where ${place.nextOffset} or more was expected`
  const next = nextOffsetAt(bytes, at)
  if (limit.isDense && base > place.nextOffset)
    return `a batch has offset ${base} where ${place.nextOffset} was expected`
  if (next > Math.min(limit.nextOffset, Number.MAX_SAFE_INTEGER))
    return `a batch reaches to offset ${next}, past the end at ${limit.nextOffset}`
  const following = isAfterGap ? baseOffsetAt(bytes, at + batchSizeAt(bytes, at)) : next
  return following < next ? `a batch reaches to offset ${next}, but the next one begins at ${following}` : undefined
}
