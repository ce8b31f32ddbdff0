/** The rules of JoinGroup: newcomers, members that come back, and static members that come back as somebody else. */
import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import { type Member, noBytes, staticMember } from './group.ts'
import type { JoinEvent } from './group-event.ts'
import { identify } from './identity.ts'
import { chooseProtocol, fits, saysTheSame } from './protocol-vote.ts'
import { openBarrierIfComplete, rebalance } from './rebalance.ts'
import { refusedJoin, refusedSync, type Turn } from './turn.ts'

export function join(turn: Turn, event: JoinEvent): void {
  const { group } = turn
  const { minSessionTimeoutMs, maxSessionTimeoutMs } = turn.settings
  if (event.sessionTimeoutMs < minSessionTimeoutMs || event.sessionTimeoutMs > maxSessionTimeoutMs)
    refuse(turn, event, ErrorCodes.INVALID_SESSION_TIMEOUT)
  else if (isFull(turn, event.memberId)) turnAway(turn, event)
  else if (group.state === 'Empty' && event.memberId !== '' && !group.pending.has(event.memberId))
    refuse(turn, event, ErrorCodes.UNKNOWN_MEMBER_ID)
  else if (!fits(group, event.protocolType, event.protocols))
    refuse(turn, event, ErrorCodes.INCONSISTENT_GROUP_PROTOCOL)
  else if (event.memberId === '') joinAsNewcomer(turn, event)
  else if (group.pending.has(event.memberId)) admit(turn, event, event.memberId)
  else {
    const member = identify(group, event)
    if (typeof member === 'number') refuse(turn, event, member)
    else rejoin(turn, event, member)
  }
}

function refuse(turn: Turn, event: JoinEvent, error: ErrorCode): void {
  turn.reply(event.ticket, refusedJoin(error, event.memberId))
}

function joinAsNewcomer(turn: Turn, event: JoinEvent): void {
  const { group } = turn
  const before = event.instanceId === null ? undefined : staticMember(group, event.instanceId)
  if (before) replaceStatic(turn, event, before)
  else if (event.instanceId !== null || !event.mustKnowItsId) admit(turn, event, event.freshMemberId)
  else {
    turn.addPending(event.freshMemberId, event.sessionTimeoutMs)
    turn.reply(event.ticket, refusedJoin(ErrorCodes.MEMBER_ID_REQUIRED, event.freshMemberId))
  }
}

function admit(turn: Turn, event: JoinEvent, id: string): void {
  const { group } = turn
  if (group.pending.has(id)) turn.dropPending(id)
  if (group.members.size === 0) group.protocolType = event.protocolType
  if (group.gathering !== null) group.gathering = { ...group.gathering, moreCame: true }
  const member: Member = {
    id,
    instanceId: event.instanceId,
    clientId: event.clientId,
    clientHost: event.clientHost,
    sessionTimeoutMs: event.sessionTimeoutMs,
    rebalanceTimeoutMs: event.rebalanceTimeoutMs,
    protocols: event.protocols,
    assignment: noBytes,
    joining: null,
    syncing: null,
    isNew: true,
    hasSynced: false,
  }
  turn.parkJoin(member, event.ticket)
  rebalance(turn)
}

function rejoin(turn: Turn, event: JoinEvent, member: Member): void {
  const { state, leader } = turn.group
  // A lost answer is repeated. The leader of a stable group joins because it knows why the group must be dealt anew.
  const mayStay = state === 'CompletingRebalance' || (state === 'Stable' && leader !== member.id)
  if (mayStay && saysTheSame(member, event.protocols)) {
    turn.reply(event.ticket, turn.welcome(member))
    turn.watch(member)
  } else {
    turn.parkJoin(turn.update(member, whatItSays(event)), event.ticket)
    rebalance(turn)
  }
}

/**
 * A static member is back under a new id, and whoever still uses the old one is fenced. A stable group whose assignor stays the same
 * goes on as it is: the newcomer takes over place and assignment.
 */
function replaceStatic(turn: Turn, event: JoinEvent, before: Member): void {
  const { group } = turn
  const leaderBefore = group.leader ?? ''
  if (before.joining !== null) turn.reply(before.joining, refusedJoin(ErrorCodes.FENCED_INSTANCE_ID, before.id))
  if (before.syncing !== null) turn.reply(before.syncing, refusedSync(ErrorCodes.FENCED_INSTANCE_ID))
  turn.noDeadline(`session:${before.id}`)
  const member: Member = { ...before, ...whatItSays(event), id: event.freshMemberId, joining: null, syncing: null }
  turn.replace(before, member)
  if (group.leader === before.id) group.leader = member.id
  if (group.state === 'Stable' && chooseProtocol(group.members) === group.protocolName) {
    turn.watch(member)
    // Before v9 a leader cannot be told not to assign, so it is told that its old self still leads.
    const reply = event.maySkipAssignment
      ? { ...turn.welcome(member), skipAssignment: group.leader === member.id }
      : turn.welcome(member, leaderBefore)
    turn.store([{ ticket: event.ticket, reply }])
  } else {
    turn.parkJoin(member, event.ticket)
    rebalance(turn)
  }
}

function whatItSays(event: JoinEvent): Partial<Member> {
  const { protocols, sessionTimeoutMs, rebalanceTimeoutMs, clientId, clientHost } = event
  return { protocols, sessionTimeoutMs, rebalanceTimeoutMs, clientId, clientHost }
}

function turnAway(turn: Turn, event: JoinEvent): void {
  const { group } = turn
  const member = group.members.get(event.memberId)
  if (member) turn.drop(member)
  if (group.pending.has(event.memberId)) turn.dropPending(event.memberId)
  turn.reply(event.ticket, refusedJoin(ErrorCodes.GROUP_MAX_SIZE_REACHED))
  openBarrierIfComplete(turn)
}

/** During a rebalance only those who are there again count, so that a group above its limit shrinks. */
function isFull({ group, settings }: Turn, memberId: string): boolean {
  const member = group.members.get(memberId)
  switch (group.state) {
    case 'PreparingRebalance': {
      if (member != null && member.joining !== null) return false
      let joined = 0
      for (const other of group.members.values()) if (other.joining !== null) joined++
      return joined >= settings.maxSize
    }
    case 'CompletingRebalance':
    case 'Stable':
      return member === undefined && group.members.size >= settings.maxSize
    default:
      return false
  }
}
