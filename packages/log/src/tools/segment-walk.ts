/**
 * Goes through a whole segment, checksums and all, and past whatever is damaged in it.
 *
 *     [ batch │ batch │ damaged, offsets 7 … 9 │ batch │ batch ┊ tail: no batch follows ]
 */
import { type BatchHeader, decodeRecords } from '@odradek/protocol'
import type { DiskFile } from '@odradek/world'
import { findDamageEnd } from '../damage/damage-end.ts'
import type { SegmentPlace } from '../segment/batch-check.ts'
import { scanBatches } from '../segment/batch-scan.ts'

export interface BadRange {
  readonly position: number
  readonly bytes: number
  /** The first offset it may hold, and the first it cannot: that of the next good batch. */
  readonly fromOffset: number
  readonly toOffset: number
  readonly reason: string
}

export interface SegmentWalk {
  readonly batches: number
  readonly records: number
  /** After the last good batch. */
  readonly end: number
  readonly nextOffset: number
  /** Damaged bytes with good batches behind them. */
  readonly damaged: readonly BadRange[]
  /** Bytes at the end, behind which no batch follows. Its `toOffset` is its `fromOffset`: what was in it cannot be told. */
  readonly tail: BadRange | undefined
  /** Batches that match their checksum, whose records cannot be decoded; only looked for where asked. */
  readonly undecodable: readonly BadRange[]
}

export interface WalkOptions {
  readonly baseOffset: number
  /** The first offset that is none of this segment's. */
  readonly before: number
  /** No offset may be missing between two batches: nothing was compacted here. */
  readonly dense?: boolean
  /** Stops before the batch with this offset: a broker may be writing there. */
  readonly until?: number
  /** Where to begin, between two batches; the start of the file by default. */
  readonly start?: SegmentPlace
  /** Stops after so many good batches. */
  readonly most?: number
  /** Looks at every record. */
  readonly deep?: boolean
  /** Each good batch, with the bytes it stands in. */
  readonly visit?: (header: BatchHeader, bytes: Uint8Array, position: number) => void
}

export async function walkSegment(file: DiskFile, options: WalkOptions): Promise<SegmentWalk> {
  const {
    baseOffset,
    before,
    until = Number.POSITIVE_INFINITY,
    most = Number.POSITIVE_INFINITY,
    deep = false,
    visit,
  } = options
  const limit = { position: file.size, nextOffset: before, isDense: options.dense ?? false }
  const damaged: BadRange[] = []
  const undecodable: BadRange[] = []
  let [batches, records] = [0, 0]
  let at: SegmentPlace = options.start ?? { position: 0, nextOffset: baseOffset }
  let tail: BadRange | undefined
  while (tail === undefined) {
    const end = await scanBatches(file, at, limit, (header, bytes, position) => {
      if (header.baseOffset >= until || batches >= most) return false
      const wrong = deep ? undecodableReason(header, bytes) : undefined
      if (wrong !== undefined) undecodable.push(rangeOf(header, position, wrong))
      batches++
      records += header.recordCount
      visit?.(header, bytes, position)
      return true
    })
    at = end
    if (end.damage === undefined || end.nextOffset >= until || batches >= most) break
    const next = await findDamageEnd(file, end, limit)
    const bad = {
      position: end.position,
      bytes: next.position - end.position,
      fromOffset: end.nextOffset,
      reason: end.damage,
    }
    if (next.position >= limit.position) tail = { ...bad, toOffset: end.nextOffset }
    else {
      damaged.push({ ...bad, toOffset: next.nextOffset })
      at = next
    }
  }
  return { batches, records, end: at.position, nextOffset: at.nextOffset, damaged, tail, undecodable }
}

function undecodableReason(header: BatchHeader, bytes: Uint8Array): string | undefined {
  try {
    decodeRecords(bytes, header.at).check()
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

const rangeOf = (header: BatchHeader, position: number, reason: string): BadRange => ({
  position,
  bytes: header.sizeInBytes,
  fromOffset: header.baseOffset,
  toOffset: header.lastOffset + 1,
  reason,
})
