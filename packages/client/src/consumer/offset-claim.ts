/**
 * Offsets that a transaction commits instead of their consumer: what the transaction needs to know of the group, and what the
 * consumer must leave alone until it is over.
 *
 *     begin ──▶ held: the consumer commits nothing below them ──▶ committed, by the transaction
 *                                                            ├──▶ aborted: as if nothing had been
 *                                                            └──▶ unknown: the group is asked before anything goes on
 */
import { ErrorCodes, ProtocolError } from '@odradek/protocol'
import type { ConsumerEngine, GroupMembership, OffsetToCommit } from './engine.ts'
import { PartitionRevokedError } from './partition-revoked.ts'
import type { PartitionStay } from './partition-stay.ts'
import { keyOf } from './topic-partition.ts'

export type ClaimOutcome = 'committed' | 'aborted' | 'unknown'

export interface OffsetClaim {
  readonly offsets: readonly OffsetToCommit[]
  /** As it is now: it may change while the partitions stay. */
  membership(): GroupMembership
  /** Why the offsets are not this consumer's to commit any more. */
  lost(): Error | undefined
  begin(): void
  /** Commits of the consumer that were under way have ended, so that none of them comes after the transaction. */
  settled(): Promise<void>
  end(outcome: ClaimOutcome): void
}

/** Whose offsets they are: a consumer, or the engine under one. */
export type OffsetOwner =
  | { claim(offsets: readonly OffsetToCommit[]): OffsetClaim }
  | Pick<ConsumerEngine, 'membership' | 'assignment' | 'commit'>

/** Of an engine whose owner commits nothing by himself. */
export function engineClaim(
  engine: Pick<ConsumerEngine, 'membership' | 'assignment' | 'commit'>,
  offsets: readonly OffsetToCommit[],
): OffsetClaim {
  return {
    offsets,
    membership: () => engine.membership(),
    lost() {
      if (!engine.membership().isSubscribed) return undefined
      const assigned = new Set(engine.assignment().map(keyOf))
      const gone = offsets.filter(at => !assigned.has(keyOf(at)))
      if (gone.length > 0) return new PartitionRevokedError(gone, ['their partitions are not assigned any more'])
      return withoutGeneration(engine)
    },
    begin() {},
    settled: () => engine.commit([]),
    end() {},
  }
}

export interface ClaimedOffset extends OffsetToCommit {
  readonly stay: PartitionStay
}

/** Of what a consumer has handed out; `onEnd` is told how it went. */
export function stayClaim(
  engine: Pick<ConsumerEngine, 'membership' | 'commit'>,
  claimed: readonly ClaimedOffset[],
  onEnd: (outcome: ClaimOutcome) => void,
): OffsetClaim {
  let held: (() => void)[] = []
  return {
    offsets: claimed,
    membership: () => engine.membership(),
    lost() {
      const gone = [...new Set(claimed.map(({ stay }) => stay).filter(({ isOver }) => isOver))]
      if (gone.length === 0) return withoutGeneration(engine)
      return new PartitionRevokedError(
        gone.map(({ topic, partition }) => ({ topic, partition })),
        gone.map(({ signal }) => (signal.reason as Error).message),
      )
    },
    begin() {
      held = claimed.map(({ stay, offset }) => stay.processed.hold(offset))
    },
    settled: () => engine.commit([]),
    end(outcome) {
      if (outcome === 'aborted') for (const release of held) release()
      held = []
      onEnd(outcome)
    },
  }
}

/** The broker would take a member without a generation for somebody who only stores offsets. */
function withoutGeneration(engine: Pick<ConsumerEngine, 'membership'>): Error | undefined {
  const { isSubscribed, generation } = engine.membership()
  if (!isSubscribed || generation >= 0) return undefined
  return new ProtocolError(ErrorCodes.ILLEGAL_GENERATION, { message: 'the consumer is not a member of its group now' })
}
