/**
 * Neighbouring records of a share-partition that are alike in everything but their offset.
 *
 *     Available ──acquired──▶ Acquired ──accepted──▶ Acknowledged ─┐
 *         ▲                     │  │ └──rejected──▶ Archived ──────┴─▶ behind the start offset, once all before them are
 *         └──released, lock over┘  └──the same, but delivered too often──▶ Archived
 *
 * With a dead-letter topic what would be Archived is Archiving until its dead letter is durable.
 *
 * An end of the way is entered in two steps: with a ticket while it is being written, and for good when it is on disk. Whether a record
 * that is done was acknowledged or archived makes no difference any more, so that what is done is one run, however it came to be.
 */
export const RecordStates = { Available: 0, Acquired: 1, Acknowledged: 2, Archiving: 3, Archived: 4 } as const
export type RecordState = (typeof RecordStates)[keyof typeof RecordStates]

export interface RecordRun {
  readonly first: number
  /** Inclusive. */
  readonly last: number
  readonly state: RecordState
  /** How often it was given out, counting the present one. */
  readonly deliveries: number
  /** The member that has acquired it, also while its acknowledgement is being written; else null. */
  readonly owner: string | null
  /** When the lock ends, on the monotonic clock; of no meaning without an owner. */
  readonly lockedUntil: number
  /** The write that makes its state durable; 0 when none has to. */
  readonly ticket: number
}

export interface OffsetRange {
  readonly first: number
  readonly last: number
}

export const isDone = ({ state, ticket }: RecordRun): boolean =>
  ticket === 0 && (state === RecordStates.Acknowledged || state === RecordStates.Archived)

export const available = (first: number, last: number, deliveries: number): RecordRun => ({
  first,
  last,
  state: RecordStates.Available,
  deliveries,
  owner: null,
  lockedUntil: 0,
  ticket: 0,
})

/** Of no further interest to anybody. */
export const done = (first: number, last: number): RecordRun => ({
  first,
  last,
  state: RecordStates.Archived,
  deliveries: 0,
  owner: null,
  lockedUntil: 0,
  ticket: 0,
})

export function areAlike(a: RecordRun, b: RecordRun): boolean {
  return (
    a.state === b.state &&
    a.deliveries === b.deliveries &&
    a.owner === b.owner &&
    a.lockedUntil === b.lockedUntil &&
    a.ticket === b.ticket
  )
}
