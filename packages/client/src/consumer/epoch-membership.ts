/**
 * The life of one member of a group of the consumer protocol (KIP-848), as decisions alone: `step` takes what happened and answers what
 * to do. EpochSession does it. The broker assigns; the member says in its heartbeats what it owns, and is told what it should own.
 *
 *                     ┌──────────── hooks have run: say so at once (that acknowledges) ───────────┐
 *                     ▼                                                                            │
 *   outside ──► joining ──► stable ──► reconciling (hooks: what the assignment takes and gives) ──┘
 *      ▲           ▲          │
 *      │           └── releasing (onLost) ◄── fenced, or forgotten
 *      └── no poll for too long                  from anywhere: failed (fatal error), left (closed),
 *                                                declined (the broker does not offer this protocol to this group)
 *
 * Invariants
 *  - `owned` changes only when hooks have run: it is what the application believes it has, and what heartbeats say. A partition is
 *    therefore given to another member only after its onRevoked has returned.
 *  - What is in the old and the new assignment is in neither `revoked` nor `added`: nothing about it stops.
 *  - Whoever loses its epoch loses everything: `isLost` stays set until the hooks have said so, and nobody joins before that.
 *  - An answer counts only if it belongs to the present `stay`.
 */
import type { EpochReaction } from './epoch-reactions.ts'
import type { TopicPartition } from './topic-partition.ts'

export type EpochPhase = 'outside' | 'joining' | 'stable' | 'reconciling' | 'releasing' | 'failed' | 'left' | 'declined'

/** A topic that was deleted and made again is another topic. */
export interface IdentifiedPartition extends TopicPartition {
  readonly topicId: string
}

export interface EpochMembership {
  readonly phase: EpochPhase
  readonly isStatic: boolean
  /** 0 joins, above 0 a member, -1 neither. */
  readonly epoch: number
  /** Counts joins and losses. */
  readonly stay: number
  readonly owned: readonly IdentifiedPartition[]
  /** What the broker wants us to own. */
  readonly target: readonly IdentifiedPartition[]
  /** What will be owned once the hooks that were asked for have run. */
  readonly pending: readonly IdentifiedPartition[] | null
  readonly isLost: boolean
  readonly losses: number
  readonly isDeclined: boolean
  /** Refusals in a row; says how long to wait before the next heartbeat. */
  readonly refusals: number
}

export type EpochEvent =
  | { type: 'subscribed' }
  | { type: 'answered'; stay: number; epoch: number }
  /** The topics of the last assignment have been found. */
  | { type: 'assigned'; stay: number; partitions: readonly IdentifiedPartition[] }
  | { type: 'refused'; stay: number; reaction: EpochReaction }
  /** The hooks asked for have run. */
  | { type: 'hooksRan' }
  /** They have not, and need not any more. */
  | { type: 'hooksSkipped' }
  /** Nobody polled for the maximum poll interval, nor does now. */
  | { type: 'pollOverdue' }
  | { type: 'polled' }
  | { type: 'failed' }
  | { type: 'left' }

export type EpochEffect =
  /** Send a heartbeat now. */
  | { do: 'beat' }
  /** Run onLost for these, then say `hooksRan`. */
  | { do: 'release'; partitions: readonly IdentifiedPartition[] }
  /** Run onRevoked and onAssigned, then say `hooksRan`. */
  | { do: 'reconcile'; revoked: readonly IdentifiedPartition[]; added: readonly IdentifiedPartition[] }
  | { do: 'findCoordinator' }
  | { do: 'leave' }
  | { do: 'decline' }

export interface EpochStep {
  readonly membership: EpochMembership
  readonly effects: readonly EpochEffect[]
}

export function stranger(isStatic: boolean): EpochMembership {
  return {
    phase: 'outside',
    isStatic,
    epoch: -1,
    stay: 0,
    owned: [],
    target: [],
    pending: null,
    isLost: false,
    losses: 0,
    isDeclined: false,
    refusals: 0,
  }
}

export function hasHeartbeats({ phase }: EpochMembership): boolean {
  return phase === 'joining' || phase === 'stable' || phase === 'reconciling'
}

export function step(m: EpochMembership, event: EpochEvent): EpochStep {
  if (m.phase === 'failed' || m.phase === 'left' || m.phase === 'declined') {
    return event.type === 'left' ? still({ ...m, phase: 'left' }) : still(m)
  }
  switch (event.type) {
    case 'subscribed':
      if (m.phase === 'outside') return m.isLost ? still(m) : join(m)
      return { membership: m, effects: hasHeartbeats(m) ? [{ do: 'beat' }] : [] }
    case 'answered':
      return event.stay === m.stay && hasHeartbeats(m) ? answered(m, event.epoch) : still(m)
    case 'assigned':
      return event.stay === m.stay && m.epoch > 0 ? reconcile({ ...m, target: event.partitions }) : still(m)
    case 'refused':
      return event.stay === m.stay ? refused(m, event.reaction) : still(m)
    case 'hooksRan':
      return m.pending === null ? still(m) : hooksRan(m, m.pending)
    case 'hooksSkipped':
      return m.isLost && m.pending !== null ? release({ ...m, pending: null }) : still(m)
    case 'pollOverdue':
      return pollOverdue(m)
    case 'polled':
      return m.phase === 'outside' && m.isLost ? release(m) : still(m)
    case 'failed':
      return still({ ...lose(m), phase: 'failed', pending: null })
    case 'left':
      return still({ ...m, phase: 'left', epoch: -1, stay: m.stay + 1, owned: [], pending: null })
  }
}

const still = (membership: EpochMembership): EpochStep => ({ membership, effects: [] })

function join(m: EpochMembership): EpochStep {
  if (m.isDeclined) return { membership: { ...m, phase: 'declined', isLost: false }, effects: [{ do: 'decline' }] }
  const membership: EpochMembership = { ...m, phase: 'joining', epoch: 0, stay: m.stay + 1, isLost: false, target: [] }
  return { membership, effects: [{ do: 'beat' }] }
}

function answered(m: EpochMembership, epoch: number): EpochStep {
  return still({ ...m, epoch, refusals: 0, phase: m.phase === 'joining' ? 'stable' : m.phase })
}

/** From what is owned to what should be, unless hooks are running: then after them. */
function reconcile(m: EpochMembership): EpochStep {
  if (m.pending !== null) return still(m)
  const revoked = missingFrom(m.target, m.owned)
  const added = missingFrom(m.owned, m.target)
  if (revoked.length === 0 && added.length === 0) return still({ ...m, phase: 'stable' })
  return {
    membership: { ...m, phase: 'reconciling', pending: m.target },
    effects: [{ do: 'reconcile', revoked, added }],
  }
}

function hooksRan(m: EpochMembership, owned: readonly IdentifiedPartition[]): EpochStep {
  const settled = { ...m, owned, pending: null }
  if (m.isLost) return release(settled)
  const { membership, effects } = reconcile(settled)
  return { membership, effects: [{ do: 'beat' }, ...effects] }
}

function refused(m: EpochMembership, reaction: EpochReaction): EpochStep {
  switch (reaction) {
    case 'retry':
      return still({ ...m, refusals: m.refusals + 1 })
    case 'findCoordinator':
      return { membership: { ...m, refusals: m.refusals + 1 }, effects: [{ do: 'findCoordinator' }] }
    case 'beat':
      return { membership: m, effects: hasHeartbeats(m) ? [{ do: 'beat' }] : [] }
    case 'lose':
      return begone({ ...lose(m), refusals: m.refusals + 1 })
    case 'decline':
      return begone({ ...lose(m), isDeclined: true })
    case 'fail':
      return step(m, { type: 'failed' })
  }
}

/** Hooks that are running now must end first; `hooksRan` goes on from here. */
function begone(m: EpochMembership): EpochStep {
  return m.pending === null ? release(m) : still({ ...m, phase: 'releasing' })
}

/** What was owned is told lost; then the member joins again. */
function release(m: EpochMembership): EpochStep {
  if (m.owned.length === 0) return join(m)
  const membership: EpochMembership = { ...m, phase: 'releasing', pending: [] }
  return { membership, effects: [{ do: 'release', partitions: m.owned }] }
}

function lose(m: EpochMembership): EpochMembership {
  return { ...m, isLost: true, losses: m.losses + 1, epoch: -1, stay: m.stay + 1, target: [] }
}

/** Whoever does not poll does not process: leave, so that others can. Hooks that were asked for run under a poll, so they have not. */
function pollOverdue(m: EpochMembership): EpochStep {
  if (m.phase === 'outside') return still(m)
  const membership: EpochMembership = { ...lose(m), phase: 'outside', pending: null }
  return { membership, effects: m.epoch >= 0 ? [{ do: 'leave' }] : [] }
}

/** What is in `all` and not in `some`. */
function missingFrom(
  some: readonly IdentifiedPartition[],
  all: readonly IdentifiedPartition[],
): readonly IdentifiedPartition[] {
  const there = new Set(some.map(nameOf))
  return all.filter(at => !there.has(nameOf(at)))
}

const nameOf = ({ topicId, partition }: IdentifiedPartition) => `${topicId}/${partition}`
