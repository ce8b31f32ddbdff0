/** What a sidecar says of a segment, made from the segment itself. */
import type { BatchHeader } from '@odradek/protocol'
import type { DiskFile } from '@odradek/world'
import { Segment } from '../segment/segment.ts'
import { type SegmentWalk, type WalkOptions, walkSegment } from './segment-walk.ts'

export interface DescribedSegment {
  readonly walk: SegmentWalk
  readonly fileSize: number
  readonly sidecar: Uint8Array
}

/** The default of index.interval.bytes: how far apart the entries are matters to nobody but the reader's patience. */
const indexIntervalBytes = 4096

export async function describeSegment(
  file: DiskFile,
  { endsAt = 0, ...options }: Omit<WalkOptions, 'visit'> & { endsAt?: number },
  visit: (header: BatchHeader, bytes: Uint8Array, position: number) => void = () => undefined,
): Promise<DescribedSegment> {
  const segment = new Segment('', options.baseOffset)
  const walk = await walkSegment(file, {
    ...options,
    visit: (header, bytes, position) => {
      if (position > segment.size) segment.noteDamage({ position, nextOffset: header.baseOffset })
      segment.noteFound(header, indexIntervalBytes)
      visit(header, bytes, position)
    },
  })
  // Compaction may have taken the last batches away; the segment still reaches to where it did.
  segment.nextOffset = Math.max(segment.nextOffset, endsAt)
  return { walk, fileSize: file.size, sidecar: segment.encodeSidecar() }
}
