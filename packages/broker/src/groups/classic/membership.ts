/** The rules for signs of life, for leaving and for falling silent. */
import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import { staticMember } from './group.ts'
import type { Claim, CommitEvent, Identity, LeaveEvent } from './group-event.ts'
import { identify, identifyInGeneration } from './identity.ts'
import { openBarrierIfComplete, rebalance } from './rebalance.ts'
import type { Turn } from './turn.ts'

/** Heartbeat: `error` is what a healthy member learns. Even when that is a rebalance, it has shown that it lives. */
export const heartbeat =
  (error: ErrorCode) =>
  (turn: Turn, claim: Claim): void => {
    const member = identifyInGeneration(turn.group, claim)
    if (typeof member === 'object') turn.watch(member)
    turn.plain(claim.ticket, typeof member === 'number' ? member : error)
  }

/**
 * May this request commit offsets? `error` is the answer for a member of the present generation; a transaction may commit in the middle
 * of a rebalance, and need not say who its member is (before TxnOffsetCommit v3 it cannot).
 */
export const commit =
  (error: ErrorCode) =>
  (turn: Turn, claim: CommitEvent): void => {
    const isAnonymous = claim.generation < 0 && claim.memberId === '' && claim.instanceId === null
    const member = claim.isTransactional && isAnonymous ? null : identifyInGeneration(turn.group, claim)
    if (typeof member === 'number') turn.plain(claim.ticket, member)
    else if (claim.isTransactional) turn.plain(claim.ticket, ErrorCodes.NONE)
    else {
      if (member !== null && error === ErrorCodes.NONE) turn.watch(member)
      turn.plain(claim.ticket, error)
    }
  }

/** Nobody owns the partitions of an empty group, so anyone who claims no generation may commit: simple consumers, tools. */
export function commitWhileEmpty(turn: Turn, claim: CommitEvent): void {
  const member = claim.generation < 0 ? null : identifyInGeneration(turn.group, claim)
  turn.plain(claim.ticket, typeof member === 'number' ? member : ErrorCodes.NONE)
}

export function leave(turn: Turn, event: LeaveEvent): void {
  const before = turn.group.members.size
  const members = event.members.map(identity => ({ ...identity, error: leaveOne(turn, identity) }))
  turn.reply(event.ticket, { type: 'leave', error: ErrorCodes.NONE, members })
  if (turn.group.members.size < before) rebalanceUnlessEmpty(turn)
  else openBarrierIfComplete(turn)
}

function leaveOne(turn: Turn, { memberId, instanceId }: Identity): ErrorCode {
  const { group } = turn
  if (group.pending.has(memberId)) {
    // A pending member is never static: an instance id with its member id belongs to somebody else.
    if (instanceId !== null) return ErrorCodes.UNKNOWN_MEMBER_ID
    turn.dropPending(memberId)
    return ErrorCodes.NONE
  }
  // Tools remove static members by their instance id alone.
  const named =
    memberId === '' && instanceId !== null ? staticMember(group, instanceId) : identify(group, { memberId, instanceId })
  if (named === undefined) return ErrorCodes.UNKNOWN_MEMBER_ID
  if (typeof named === 'number') return named
  turn.drop(named)
  return ErrorCodes.NONE
}

export function sessionExpired(turn: Turn, { memberId }: { readonly memberId: string }): void {
  const { group } = turn
  const member = group.members.get(memberId)
  if (member) {
    turn.drop(member)
    rebalanceUnlessEmpty(turn)
  } else if (group.pending.has(memberId)) {
    // The deal stays as it is; only the barrier need not wait for it any longer.
    turn.dropPending(memberId)
    openBarrierIfComplete(turn)
  }
}

function rebalanceUnlessEmpty(turn: Turn): void {
  if (turn.group.state !== 'Empty') rebalance(turn)
}
