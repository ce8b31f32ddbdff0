/**
 * Whole batches out of a segment file: from the index's nearest entry, over the batches before the wanted offset, then as many as fit.
 * One read in the usual case; a second one when the first batch is larger than what was read.
 */
import { CorruptionError } from '@odradek/protocol'
import type { DiskFile } from '@odradek/world'
import { batchOverhead, batchSizeAt, looksLikeBatch, nextOffsetAt } from './batch-fields.ts'

export interface SegmentRead {
  offset: number
  /** A position at or before the batch with the offset. */
  position: number
  /** Position to stop at: the end of the file, or of what is durable. */
  end: number
  maxBytes: number
  minOne: boolean
  /** How far the index may point before the batch. */
  slack: number
}

/** Undefined when no batch at or after the offset fits. */
export async function readSegment(file: DiskFile, read: SegmentRead): Promise<Uint8Array | undefined> {
  const { offset, end, maxBytes, minOne } = read
  let { position } = read
  let wanted = Math.max(batchOverhead, maxBytes) + read.slack
  while (position < end) {
    const bytes = await file.read(position, Math.min(wanted, end - position))
    if (bytes.length === 0)
      throw new CorruptionError(`${file.path} ends before byte ${position}; ${end} were written`, {
        file: file.path,
        position,
      })
    const from = skip(file, position, bytes, offset)
    if (from + batchOverhead <= bytes.length) {
      const to = take(file, position, bytes, from, maxBytes, minOne)
      if (to > from) return bytes.subarray(from, to)
      wanted = batchSizeAt(bytes, from)
      if ((wanted > maxBytes && !minOne) || position + from + wanted > end) return undefined
    }
    position += from
  }
  return undefined
}

/** Where the first batch that reaches the offset begins, or where the first one not in these bytes would. */
function skip(file: DiskFile, position: number, bytes: Uint8Array, offset: number): number {
  let at = 0
  while (at + batchOverhead <= bytes.length) {
    check(file, position, bytes, at)
    if (nextOffsetAt(bytes, at) > offset) return at
    at += batchSizeAt(bytes, at)
  }
  return at
}

function take(
  file: DiskFile,
  position: number,
  bytes: Uint8Array,
  from: number,
  maxBytes: number,
  minOne: boolean,
): number {
  let to = from
  while (to + batchOverhead <= bytes.length) {
    check(file, position, bytes, to)
    const next = to + batchSizeAt(bytes, to)
    if (next > bytes.length || (next - from > maxBytes && !(minOne && to === from))) break
    to = next
  }
  return to
}

function check(file: DiskFile, position: number, bytes: Uint8Array, at: number): void {
  if (looksLikeBatch(bytes, at, 0)) return
  throw new CorruptionError(`${file.path} is damaged at byte ${position + at}: no batch begins there`, {
    file: file.path,
    position: position + at,
  })
}
