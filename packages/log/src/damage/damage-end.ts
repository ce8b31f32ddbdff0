/**
 * Where damage ends: the next bytes that are a batch as it was written.
 *
 * Mostly it is one batch whose length is still right: the one after it is looked at first. Else every byte is tried. A batch counts when
 * header and checksum are right and its offset lies where one is missing; values of damaged records may hold batches too, whose
 * offsets hardly ever do.
 */
import { hasValidCrc } from '@odradek/protocol'
import type { DiskFile } from '@odradek/world'
import type { SegmentPlace } from '../segment/batch-check.ts'
import { baseOffsetAt, batchOverhead, batchSizeAt, looksLikeBatch, nextOffsetAt } from '../segment/batch-fields.ts'

const pieceSize = 1024 * 1024

/** From the first damaged byte, and the offset that was expected there. Without any further batch, the limit. */
export async function findDamageEnd(file: DiskFile, start: SegmentPlace, limit: SegmentPlace): Promise<SegmentPlace> {
  const size = Math.min(file.size, limit.position)
  const follows = async (position: number) => {
    const nextOffset = await goodBatchAt(file, position, start.nextOffset, {
      position: size,
      nextOffset: limit.nextOffset,
    })
    return nextOffset === undefined ? undefined : { position, nextOffset }
  }
  const header = await file.read(start.position, batchOverhead)
  const asItSays = header.length < batchOverhead ? 0 : batchSizeAt(header, 0)
  const found = asItSays >= batchOverhead ? await follows(start.position + asItSays) : undefined
  if (found !== undefined) return found
  let position = start.position + 1
  while (position + batchOverhead <= size) {
    const bytes = await file.read(position, Math.min(pieceSize, size - position))
    const last = bytes.length - batchOverhead
    if (last < 0) break
    for (let at = 0; at <= last; at++) {
      if (bytes[at + 16] !== 2 || !couldBe(bytes, at, start.nextOffset, limit.nextOffset)) continue
      const batch = await follows(position + at)
      if (batch !== undefined) return batch
    }
    position += last + 1
  }
  return { position: size, nextOffset: limit.nextOffset }
}

/** The base offset of the batch that stands here whole; undefined when none does. */
async function goodBatchAt(
  file: DiskFile,
  position: number,
  from: number,
  limit: SegmentPlace,
): Promise<number | undefined> {
  if (position + batchOverhead > limit.position) return undefined
  const header = await file.read(position, batchOverhead)
  if (header.length < batchOverhead || !couldBe(header, 0, from, limit.nextOffset)) return undefined
  const size = batchSizeAt(header, 0)
  if (position + size > limit.position) return undefined
  const bytes = await file.read(position, size)
  return bytes.length === size && hasValidCrc(bytes, 0) ? baseOffsetAt(bytes, 0) : undefined
}

function couldBe(bytes: Uint8Array, at: number, from: number, to: number): boolean {
  return looksLikeBatch(bytes, at, from) && nextOffsetAt(bytes, at) <= to
}
