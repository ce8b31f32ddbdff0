/**
 * Whole batches out of a segment file: from the index's nearest entry, over the batches before the wanted offset, then as many as fit.
 * One read in the usual case; a second one when the first batch is larger than what was read.
 *
 * What is handed out is checked byte by byte; summing it takes a fraction of the time that reading it does. Good batches before the
 * first damaged one are handed out; damage where there is none before it is thrown.
 */
import type { DiskFile } from '@odradek/world'
import { SegmentDamage } from '../damage/damage.ts'
import { checkBatch, type SegmentPlace } from './batch-check.ts'
import { batchOverhead, batchSizeAt, looksLikeBatch, nextOffsetAt } from './batch-fields.ts'

export interface SegmentRead {
  offset: number
  /** At or before the batch with the offset. */
  start: SegmentPlace
  /** Where to stop: the end of the file, or of what is durable, or where damage begins. */
  end: SegmentPlace
  maxBytes: number
  minOne: boolean
  /** How far the index may point before the batch. */
  slack: number
}

/** Undefined when no batch at or after the offset fits. */
export async function readSegment(file: DiskFile, read: SegmentRead): Promise<Uint8Array | undefined> {
  const end = { ...read.end }
  const place = { ...read.start }
  let wanted = Math.max(batchOverhead, read.maxBytes) + read.slack
  while (place.position < read.end.position) {
    const length = Math.min(wanted, read.end.position - place.position)
    const bytes = await file.read(place.position, length)
    if (bytes.length === 0) throw damaged(file, place, `the file ends before byte ${read.end.position}`)
    if (bytes.length < length) end.position = place.position + bytes.length
    const from = skip(file, bytes, place, end, read.offset)
    if (from === bytes.length) continue
    const taken = take(file, bytes, from, place, { ...read, end })
    if (typeof taken !== 'number') return taken
    wanted = Math.max(wanted, taken)
  }
  return undefined
}

/** Moves the place over batches that do not reach the offset; returns where in the bytes it is then. */
function skip(file: DiskFile, bytes: Uint8Array, place: SegmentPlace, end: SegmentPlace, offset: number): number {
  let at = 0
  while (at + batchOverhead <= bytes.length) {
    if (!looksLikeBatch(bytes, at, place.nextOffset)) throw damaged(file, place, 'no batch begins here')
    if (nextOffsetAt(bytes, at) > offset) return at
    const size = batchSizeAt(bytes, at)
    if (place.position + size > end.position) throw damaged(file, place, 'a batch is cut off')
    place.position += size
    place.nextOffset = nextOffsetAt(bytes, at)
    at += size
  }
  return Math.min(at, bytes.length)
}

/** The batches from there on that fit; undefined when none does, a number when so many bytes are needed to say. */
function take(
  file: DiskFile,
  bytes: Uint8Array,
  from: number,
  start: SegmentPlace,
  { end, maxBytes, minOne }: SegmentRead,
): Uint8Array | undefined | number {
  const place = { ...start }
  let to = from
  while (place.position < end.position) {
    const verdict = checkBatch(bytes, to, place, end)
    if (verdict !== 0 && to > from) break
    if (typeof verdict === 'string') throw damaged(file, place, verdict)
    const size = bytes.length - to < batchOverhead ? 0 : batchSizeAt(bytes, to)
    if (to - from + size > maxBytes && !(minOne && to === from)) break
    if (verdict > 0) return verdict
    place.position += size
    place.nextOffset = nextOffsetAt(bytes, to)
    to += size
  }
  return to > from ? bytes.subarray(from, to) : undefined
}

const damaged = (file: DiskFile, { position, nextOffset }: SegmentPlace, reason: string): SegmentDamage =>
  new SegmentDamage(file.path, { position, nextOffset, reason })
