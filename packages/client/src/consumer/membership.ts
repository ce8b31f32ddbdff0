/**
 * The life of one member of a classic group, as decisions alone: `step` takes what happened and answers what to do. GroupSession does it.
 *
 *                 ┌────────────────── rejoin: others came or went, topics changed, we gave something up ─────────────┐
 *                 ▼                                                                                                  │
 *   outside ──► releasing ──────► joining ────────► syncing ────────► reconciling ──────────────────────────────► stable
 *      ▲       (hooks: what must  (JoinGroup)      (SyncGroup; the    (hooks: what the assignment
 *      │        go before joining)    │  ▲          leader divides)    takes and gives)
 *      │                              └──┘ refused, retried
 *      └── no poll for too long                         from anywhere: failed (fatal error), left (closed)
 *
 * Eager members release everything before they join; cooperative ones (KIP-429) keep it, learn from the assignment what to give up,
 * give it up, and join again so that others can have it.
 *
 * Invariants
 *  - `owned` changes only when hooks have run: it is what the application believes it has, and what the next JoinGroup says.
 *  - Whoever loses its generation loses everything: `isLost` stays set until the hooks have said so.
 *  - An answer counts only if it belongs to the request made last (`attempt`), or for heartbeats to the present generation.
 */
import type { Reaction } from './membership-errors.ts'
import { type TopicPartition, without } from './topic-partition.ts'

export type Phase = 'outside' | 'releasing' | 'joining' | 'syncing' | 'reconciling' | 'stable' | 'failed' | 'left'

export interface Membership {
  readonly phase: Phase
  readonly protocol: 'eager' | 'cooperative'
  readonly isStatic: boolean
  readonly topics: readonly string[]
  /** Empty until the coordinator has given one. */
  readonly memberId: string
  /** -1: not a member of any generation. */
  readonly generation: number
  readonly owned: readonly TopicPartition[]
  readonly isLost: boolean
  /** How often everything was lost: what was owned before may be somebody else's, whatever generation we are in now. */
  readonly losses: number
  /** Why to join again as soon as that is possible. */
  readonly rejoin: string | null
  /** Number of the JoinGroup or SyncGroup whose answer is awaited. */
  readonly attempt: number
  /** Refusals in a row; says how long to wait before the next try. */
  readonly refusals: number
  /** What hooks are running for, in `releasing` and `reconciling`. */
  readonly pending: { readonly assigned: readonly TopicPartition[] } | null
}

export type MembershipEvent =
  | { type: 'subscribed'; topics: readonly string[] }
  | { type: 'rejoinWanted'; reason: string }
  /** The hooks asked for by `release` or `reconcile` have run. */
  | { type: 'hooksRan' }
  | { type: 'joined'; attempt: number; memberId: string; generation: number; isLeader: boolean }
  | { type: 'synced'; attempt: number; assigned: readonly TopicPartition[] }
  | { type: 'refused'; attempt: number; reaction: Reaction; reason: string; memberId?: string }
  | { type: 'heartbeatRefused'; generation: number; reaction: Reaction; reason: string }
  /** Nobody polled for the maximum poll interval, nor does now. */
  | { type: 'pollOverdue' }
  | { type: 'polled' }
  | { type: 'failed' }
  | { type: 'left' }

export type Effect =
  /** Run onRevoked, or onLost, for these, then say `hooksRan`. */
  | { do: 'release'; partitions: readonly TopicPartition[]; lost: boolean }
  /** Tell the assignor, run onRevoked for `revoked` and onAssigned for `added`, then say `hooksRan`. */
  | {
      do: 'reconcile'
      revoked: readonly TopicPartition[]
      added: readonly TopicPartition[]
      assigned: readonly TopicPartition[]
    }
  | { do: 'join'; attempt: number; refusals: number; reason: string }
  | { do: 'sync'; attempt: number; isLeader: boolean }
  | { do: 'findCoordinator' }
  | { do: 'leave'; memberId: string; reason: string }
  | { do: 'fail' }

export interface Step {
  readonly membership: Membership
  readonly effects: readonly Effect[]
}

export function outsider(protocol: Membership['protocol'], isStatic: boolean): Membership {
  return {
    phase: 'outside',
    protocol,
    isStatic,
    topics: [],
    memberId: '',
    generation: -1,
    owned: [],
    isLost: false,
    losses: 0,
    rejoin: null,
    attempt: 0,
    refusals: 0,
    pending: null,
  }
}

/** Heartbeats keep the session alive in every phase in which the coordinator knows us and no JoinGroup is parked there. */
export function needsHeartbeats({ phase, generation, isLost }: Membership): boolean {
  if (generation < 0 || isLost) return false
  return phase === 'releasing' || phase === 'syncing' || phase === 'reconciling' || phase === 'stable'
}

export function step(m: Membership, event: MembershipEvent): Step {
  if (m.phase === 'failed' || m.phase === 'left') return event.type === 'left' ? leave(m) : stay(m)
  switch (event.type) {
    case 'subscribed':
      return subscribed(m, event.topics)
    case 'rejoinWanted':
      return wantRejoin(m, event.reason)
    case 'hooksRan':
      return hooksRan(m)
    case 'joined':
      return event.attempt === m.attempt && m.phase === 'joining' ? joined(m, event) : stay(m)
    case 'synced':
      return event.attempt === m.attempt && m.phase === 'syncing' ? synced(m, event.assigned) : stay(m)
    case 'refused':
      return event.attempt === m.attempt ? refused(m, event) : stay(m)
    case 'heartbeatRefused':
      return event.generation === m.generation ? heartbeatRefused(m, event) : stay(m)
    case 'pollOverdue':
      return pollOverdue(m)
    case 'polled':
      return m.phase === 'outside' && m.isLost ? beginJoin(m, 'polls again') : stay(m)
    case 'failed':
      return { membership: { ...lose(m, 'loseGeneration'), phase: 'failed' }, effects: [{ do: 'fail' }] }
    case 'left':
      return leave(m)
  }
}

const stay = (membership: Membership): Step => ({ membership, effects: [] })

function subscribed(m: Membership, topics: readonly string[]): Step {
  const changed = { ...m, topics }
  return m.phase === 'outside' && !m.isLost
    ? beginJoin(changed, 'joins')
    : wantRejoin(changed, 'subscribed to other topics')
}

function wantRejoin(m: Membership, reason: string): Step {
  return m.phase === 'stable' ? beginJoin(m, reason) : stay(m.phase === 'outside' ? m : { ...m, rejoin: reason })
}

/** What has to be given up before the JoinGroup goes out, then the JoinGroup. */
function beginJoin(m: Membership, reason: string): Step {
  const all = m.isLost || m.protocol === 'eager'
  const partitions = all ? m.owned : m.owned.filter(at => !m.topics.includes(at.topic))
  if (partitions.length === 0) return sendJoin({ ...m, isLost: false }, reason)
  const pending = { assigned: without(m.owned, partitions) }
  return {
    membership: { ...m, phase: 'releasing', rejoin: reason, pending },
    effects: [{ do: 'release', partitions, lost: m.isLost }],
  }
}

function sendJoin(m: Membership, reason: string): Step {
  const attempt = m.attempt + 1
  return {
    membership: { ...m, phase: 'joining', attempt, rejoin: null, pending: null },
    effects: [{ do: 'join', attempt, refusals: m.refusals, reason }],
  }
}

function hooksRan(m: Membership): Step {
  if (m.pending === null) return stay(m)
  const owned = m.pending.assigned
  const settled = { ...m, owned, pending: null }
  if (m.isLost) return beginJoin(settled, m.rejoin ?? 'lost its generation')
  if (m.phase === 'releasing') return sendJoin(settled, m.rejoin ?? 'joins')
  const stable: Membership = { ...settled, phase: 'stable', refusals: 0 }
  return m.rejoin === null ? stay(stable) : beginJoin(stable, m.rejoin)
}

function joined(m: Membership, event: { memberId: string; generation: number; isLeader: boolean }): Step {
  const attempt = m.attempt + 1
  const { memberId, generation, isLeader } = event
  return {
    membership: { ...m, phase: 'syncing', memberId, generation, attempt },
    effects: [{ do: 'sync', attempt, isLeader }],
  }
}

function synced(m: Membership, assigned: readonly TopicPartition[]): Step {
  const revoked = without(m.owned, assigned)
  const added = without(assigned, m.owned)
  const rejoin = revoked.length > 0 ? 'gave up partitions' : m.rejoin
  return {
    membership: { ...m, phase: 'reconciling', pending: { assigned }, rejoin },
    effects: [{ do: 'reconcile', revoked, added, assigned }],
  }
}

/** JoinGroup or SyncGroup was answered with an error, or not at all. */
function refused(m: Membership, event: { reaction: Reaction; reason: string; memberId?: string }): Step {
  if (m.phase !== 'joining' && m.phase !== 'syncing') return stay(m)
  const again = { ...m, refusals: m.refusals + 1 }
  switch (event.reaction) {
    case 'useMemberId':
      return sendJoin({ ...m, memberId: event.memberId ?? m.memberId }, event.reason)
    case 'retry':
      return sendJoin(again, event.reason)
    case 'findCoordinator': {
      const { membership, effects } = sendJoin(again, event.reason)
      return { membership, effects: [{ do: 'findCoordinator' }, ...effects] }
    }
    case 'rejoin':
      return beginJoin(again, event.reason)
    case 'loseGeneration':
    case 'loseMembership':
      return beginJoin({ ...lose(m, event.reaction), refusals: again.refusals }, event.reason)
    case 'fail':
      return step(m, { type: 'failed' })
  }
}

function heartbeatRefused(m: Membership, event: { reaction: Reaction; reason: string }): Step {
  switch (event.reaction) {
    case 'retry':
    case 'useMemberId':
      return stay(m)
    case 'findCoordinator':
      return { membership: m, effects: [{ do: 'findCoordinator' }] }
    case 'rejoin':
      return wantRejoin(m, event.reason)
    case 'loseGeneration':
    case 'loseMembership': {
      const lost = lose(m, event.reaction)
      // A JoinGroup is under way: it may have made the generation old, and its answer will say more than this one.
      if (m.phase === 'joining') return stay(m)
      // Hooks that are running now must end first; `hooksRan` goes on from here.
      return m.pending !== null ? stay(lost) : beginJoin(lost, event.reason)
    }
    case 'fail':
      return step(m, { type: 'failed' })
  }
}

function lose(m: Membership, how: 'loseGeneration' | 'loseMembership'): Membership {
  return {
    ...m,
    isLost: true,
    losses: m.losses + 1,
    generation: -1,
    memberId: how === 'loseMembership' ? '' : m.memberId,
  }
}

/**
 * Whoever does not poll does not process: leave, so that others can. A static member is only silent, and forgotten after its session.
 * Hooks that were asked for have not run, for they run under a poll, and need not run any more.
 */
function pollOverdue(m: Membership): Step {
  if (m.phase === 'outside') return stay(m)
  const membership: Membership = {
    ...lose(m, m.isStatic ? 'loseGeneration' : 'loseMembership'),
    phase: 'outside',
    attempt: m.attempt + 1,
    rejoin: null,
    pending: null,
  }
  const mustSay = !m.isStatic && m.memberId !== ''
  return {
    membership,
    effects: mustSay ? [{ do: 'leave', memberId: m.memberId, reason: 'was not polled in time' }] : [],
  }
}

function leave(m: Membership): Step {
  const membership: Membership = {
    ...m,
    phase: 'left',
    generation: -1,
    owned: [],
    pending: null,
    attempt: m.attempt + 1,
  }
  const mustSay = !m.isStatic && m.memberId !== '' && m.phase !== 'left'
  return { membership, effects: mustSay ? [{ do: 'leave', memberId: m.memberId, reason: 'was closed' }] : [] }
}
