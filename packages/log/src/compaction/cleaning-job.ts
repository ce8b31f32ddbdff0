/**
 * One pass of compaction over the log of a partition, as plain data: it may be handed to another thread.
 *
 *     closed segments          │ active
 *     [ clean ][ dirty ······ ]│[ ]        keys of the dirty part are looked up in all of it
 *              ▲ dirtyFrom    ▲ dirtyEnd
 */
import type { AbortedTransaction } from '../producers/transactions.ts'

/** A closed segment. */
export interface SourceSegment {
  readonly baseOffset: number
  readonly nextOffset: number
  readonly size: number
  readonly epochs: readonly { epoch: number; startOffset: number }[]
}

export interface CleaningJob {
  readonly folder: string
  /** Ascending, from the first of the log to the last that begins before `dirtyEnd`. */
  readonly segments: readonly SourceSegment[]
  readonly dirtyFrom: number
  /** Nothing at or past it is touched. */
  readonly dirtyEnd: number
  /** With batches before `dirtyEnd`. */
  readonly aborted: readonly AbortedTransaction[]
  readonly lastOffsets: ReadonlyMap<bigint, number>
  /** Wall time. */
  readonly now: number
  readonly deleteRetentionMs: number
  readonly segmentBytes: number
  readonly indexIntervalBytes: number
  readonly maxDecompressedBytes: number
  /** Memory for the table of keys. */
  readonly dedupeBytes: number
  /** Read and written together; Infinity: as fast as it goes. */
  readonly bytesPerSecond: number
  /** 16 random bytes. */
  readonly secret: Uint8Array
}

/** Segments that became one, in a file that has not taken their place yet. */
export interface CleanedGroup {
  readonly sources: readonly SourceSegment[]
  readonly baseOffset: number
  readonly nextOffset: number
  readonly size: number
  /** The sidecar of the new segment. */
  readonly sidecar: Uint8Array
}

export interface CleaningResult {
  /** Everything before it is clean now. */
  readonly cleanedTo: number
  readonly bytesRead: number
  readonly bytesWritten: number
  readonly recordsKept: number
  readonly recordsDropped: number
  readonly keys: number
  /** Memory of the table of keys. */
  readonly tableBytes: number
}

/** Offsets in a segment are relative to its base and fit 31 bits. */
const offsetsPerSegment = 2 ** 31 - 1

/** Neighbours that fit one segment together, so that what shrinks from pass to pass does not become a crowd of small files. */
export function groupsOf(segments: readonly SourceSegment[], segmentBytes: number): SourceSegment[][] {
  const groups: SourceSegment[][] = []
  let size = 0
  for (const segment of segments) {
    const group = groups.at(-1)
    const fits = size + segment.size <= segmentBytes
    if (group !== undefined && fits && segment.nextOffset - group[0]!.baseOffset <= offsetsPerSegment) {
      group.push(segment)
      size += segment.size
    } else {
      groups.push([segment])
      size = segment.size
    }
  }
  return groups
}
