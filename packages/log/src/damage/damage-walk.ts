/** Goes through a segment over the damage that is known; other damage is thrown, for somebody to look where it ends. */
import type { SegmentPlace } from '../segment/batch-check.ts'
import { type ReadableFile, scanBatches, type VisitBatch } from '../segment/batch-scan.ts'
import { SegmentDamage } from './damage.ts'
import type { Quarantine } from './quarantine.ts'

export interface WalkVisitor {
  batch: VisitBatch
  /** Known damage ends here. */
  damage?(end: SegmentPlace): void
}

/** From the segment's start, or from a place in it. */
export async function walkUndamaged(
  file: ReadableFile,
  segment: number,
  quarantine: Quarantine,
  limit: SegmentPlace,
  visitor: WalkVisitor,
  start: SegmentPlace = { position: 0, nextOffset: segment },
): Promise<void> {
  let isDone = false
  const batch: VisitBatch = (header, bytes, position) => {
    isDone = visitor.batch(header, bytes, position) === false
    return !isDone
  }
  for (let place = quarantine.endAt(segment, start.position) ?? start; place.position < limit.position; ) {
    const next = quarantine.nextIn(segment, place.position)
    const end = {
      position: Math.min(limit.position, next?.fromPosition ?? limit.position),
      nextOffset: limit.nextOffset,
    }
    const { damage, ...at } = await scanBatches(file, place, end, batch)
    if (damage !== undefined) throw new SegmentDamage(file.path, { ...at, reason: damage })
    if (isDone || next === undefined) return
    place = { position: next.toPosition, nextOffset: next.toOffset }
    visitor.damage?.(place)
  }
}
