/** How far a group has read one partition: the offset of the next record it wants. */
export interface CommittedOffset {
  readonly offset: number
  /** Leader epoch of the last record read; -1: unknown. */
  readonly leaderEpoch: number
  /** A note of the client. */
  readonly metadata: string
  readonly commitTimestamp: number
  /** When it goes, asked for explicitly (OffsetCommit v2–4); -1: by the group's retention. */
  readonly expireTimestamp: number
}

/** By topic, then partition. */
export type GroupOffsets = ReadonlyMap<string, ReadonlyMap<number, CommittedOffset>>

/** One partition. */
export interface Place {
  readonly topic: string
  readonly partition: number
}

export interface OffsetChange extends Place {
  /** Null: forget it. */
  readonly committed: CommittedOffset | null
}

export const noOffsets: GroupOffsets = new Map()
