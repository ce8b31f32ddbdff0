/** What the partitions of an engine share. */
import type { Clock, Disk } from '@odradek/world'
import type { Traffic } from './compaction/traffic.ts'
import type { Checkpoint } from './folder/checkpoint.ts'
import type { Deletions } from './folder/deletions.ts'
import type { LateNotes } from './folder/late-notes.ts'
import type { OpenFiles } from './folder/open-files.ts'
import type { Lanes } from './lanes.ts'
import type { TailCache } from './partition/tail-cache.ts'
import type { SegmentIndexes } from './segment/segment-indexes.ts'
import type { CoalescedSync } from './sync/coalesced-sync.ts'
import type { SyncQueue } from './sync/sync-queue.ts'

export interface LogServices {
  readonly clock: Clock
  readonly disk: Disk
  /** The data folder. */
  readonly folder: string
  readonly leaderEpoch: number
  readonly files: OpenFiles
  /** Making folders and segments, describing closed ones. */
  readonly lanes: Lanes
  readonly syncs: SyncQueue
  /** The most that a partition leaves to the journal; 0 without one. */
  readonly journaledBytes: number
  /** Of the data folder: partitions make names in it. */
  readonly names: CoalescedSync
  readonly tails: TailCache
  readonly indexes: SegmentIndexes
  readonly checkpoint: Checkpoint
  readonly lateNotes: LateNotes
  readonly deletions: Deletions
  readonly traffic: Traffic
  /** A segment that has grown by so much is described anew. */
  readonly describeBytes: number
  readonly logger: LogLogger
}

/** The part of a structured logger that a log needs. */
export interface LogLogger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export const silent: LogLogger = { info() {}, warn() {}, error() {} }
