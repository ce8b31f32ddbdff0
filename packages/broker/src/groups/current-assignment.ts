import { nowhere, type OwnedPartitions, placesIn, sameOwned } from './topic-partitions.ts'

export type MemberState = 'stable' | 'unrevoked' | 'unreleased'

/**
 * How far a member has come with its target assignment, in groups whose members learn theirs with their heartbeats (KIP-848, KIP-1071).
 * `reconcile` is the way from one state to the next.
 *
 *                        the target changed
 *              ┌─────────────────────────────────────────────┐
 *              ▼                                             │
 *      ┌────────────┐ has given up what ┌────────────┐       │
 *      │ unrevoked  │ it shall not have │ unreleased │       │
 *      │            │ ────────────────► │            │ ◄─────┤
 *      └────────────┘                   └────────────┘       │
 *        keeps its epoch,                 is in the target   │
 *        must give up partitions          epoch, waits for   │
 *              │                          what others own    │
 *              │        ┌────────┐              │            │
 *              └──────► │ stable │ ◄────────────┘            │
 *                       └────────┘ ──────────────────────────┘
 */
export interface CurrentAssignment {
  readonly state: MemberState
  readonly epoch: number
  /** The one before: its answer to a request may have been lost. */
  readonly previousEpoch: number
  /** What it may work on. */
  readonly assigned: OwnedPartitions
  /** What it must give up, and nobody else can have meanwhile. */
  readonly revoking: OwnedPartitions
}

export const startOfMembership: CurrentAssignment = {
  state: 'stable',
  epoch: 0,
  previousEpoch: 0,
  assigned: nowhere,
  revoking: nowhere,
}

export function isReconciledTo({ current }: { readonly current: CurrentAssignment }, epoch: number): boolean {
  return current.state === 'stable' && current.epoch === epoch
}

export function sameCurrent(one: CurrentAssignment, other: CurrentAssignment): boolean {
  return (
    one.state === other.state &&
    one.epoch === other.epoch &&
    one.previousEpoch === other.previousEpoch &&
    placesIn(one.revoking) === placesIn(other.revoking) &&
    sameOwned(one.assigned, other.assigned) &&
    sameOwned(one.revoking, other.revoking)
  )
}
