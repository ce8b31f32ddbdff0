/**
 * From a timestamp to an offset (ListOffsets): the only place where a log looks at single records. Damaged ones are passed over.
 *
 * Segments and the time index rule out everything that is surely older; from there on batch headers, then the records of one batch.
 */
import { type BatchHeader, decodeRecords } from '@odradek/protocol'
import { SegmentDamage } from '../damage/damage.ts'
import { walkUndamaged } from '../damage/damage-walk.ts'
import type { OffsetAndTime } from '../engine.ts'
import type { SegmentPlace } from '../segment/batch-check.ts'
import type { VisitBatch } from '../segment/batch-scan.ts'
import type { Segment } from '../segment/segment.ts'
import { placeIn, type SegmentList, SegmentReplaced } from '../segment/segment-list.ts'

export interface LookupRange {
  /** First offset that may be found. */
  from: number
  /** First offset that may not. */
  to: number
  indexIntervalBytes: number
}

const nowhere: OffsetAndTime = { offset: -1, timestamp: -1, leaderEpoch: -1 }

export async function findTime(
  segments: SegmentList,
  timestamp: number | 'max',
  range: LookupRange,
): Promise<OffsetAndTime> {
  for (;;) {
    const { baseOffset } = segments
    try {
      return await (timestamp === 'max' ? findMaxTimestamp(segments, range) : findTimestamp(segments, timestamp, range))
    } catch (error) {
      // Unless retention has just taken the segment away, or compaction replaced it.
      if (error instanceof SegmentReplaced) continue
      if (segments.baseOffset === baseOffset || error instanceof SegmentDamage) throw error
    }
  }
}

/** The first record whose timestamp is this or later. */
async function findTimestamp(segments: SegmentList, timestamp: number, range: LookupRange): Promise<OffsetAndTime> {
  for (const segment of [...segments.all]) {
    if (segment.maxTimestamp < timestamp || segment.nextOffset <= range.from) continue
    const found = await findInSegment(segments, segment, timestamp, range)
    if (found !== undefined) return found
  }
  return nowhere
}

/** The first record with the largest timestamp of all. */
async function findMaxTimestamp(segments: SegmentList, range: LookupRange): Promise<OffsetAndTime> {
  let max = -1
  for (const segment of [...segments.all]) {
    const isWhole =
      segment.baseOffset >= range.from &&
      segment.nextOffset <= range.to &&
      segments.quarantine.of(segment.baseOffset).length === 0
    max = Math.max(max, isWhole ? segment.maxTimestamp : await maxTimestampWithin(segments, segment, range))
  }
  return max < 0 ? nowhere : findTimestamp(segments, max, range)
}

async function findInSegment(
  segments: SegmentList,
  segment: Segment,
  timestamp: number,
  range: LookupRange,
): Promise<OffsetAndTime | undefined> {
  let found: OffsetAndTime | undefined
  const batch: VisitBatch = (header, bytes) => {
    if (header.baseOffset >= range.to) return false
    if (header.maxTimestamp >= timestamp && header.lastOffset >= range.from)
      found = findInBatch(header, bytes, timestamp, range.from)
    return found === undefined
  }
  await segments.withFile(segment, range.indexIntervalBytes, (file, index) => {
    const start = placeIn(segment, index.placeForTime(timestamp))
    return walkUndamaged(file, segment.baseOffset, segments.quarantine, endOf(segment), { batch }, start)
  })
  return found
}

function findInBatch(
  batch: BatchHeader,
  bytes: Uint8Array,
  timestamp: number,
  from: number,
): OffsetAndTime | undefined {
  for (const record of decodeRecords(bytes, batch.at)) {
    if (record.timestamp >= timestamp && record.offset >= from)
      return { offset: record.offset, timestamp: record.timestamp, leaderEpoch: batch.partitionLeaderEpoch }
  }
  return undefined
}

async function maxTimestampWithin(segments: SegmentList, segment: Segment, range: LookupRange): Promise<number> {
  let max = -1
  const batch: VisitBatch = header => {
    if (header.baseOffset >= range.to) return false
    if (header.lastOffset >= range.from) max = Math.max(max, header.maxTimestamp)
    return true
  }
  await segments.withFile(segment, range.indexIntervalBytes, file =>
    walkUndamaged(file, segment.baseOffset, segments.quarantine, endOf(segment), { batch }),
  )
  return max
}

const endOf = ({ size, nextOffset }: Segment): SegmentPlace => ({ position: size, nextOffset })
