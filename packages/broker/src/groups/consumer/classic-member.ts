/**
 * Members that speak the classic protocol in a consumer group. Each of them meets a group of its own speed: there is no barrier, the
 * member epoch is its generation, and nobody is its leader.
 *
 *     JoinGroup   says what it subscribes to and owns, and takes it a step towards its target (as a heartbeat does a new member)
 *     SyncGroup   hands out what it may work on
 *     Heartbeat   REBALANCE_IN_PROGRESS whenever another JoinGroup would get it further
 */
import { DecodeError, type ErrorCode, ErrorCodes } from '@odradek/protocol'
import { Refusal, refuse } from '../../refusal.ts'
import type { Identity, JoinReply, LeaveReply, PlainReply, SyncEvent, SyncReply } from '../classic/group-event.ts'
import { refusedJoin } from '../classic/turn.ts'
import type { JoinRequest, Question } from '../group-types.ts'
import { unknownMember } from '../refusals.ts'
import { holds } from '../topic-partitions.ts'
import { advance, refreshTopics, updateTarget } from './assigning.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { blankMember, type ConsumerMember, type MemberDetails } from './consumer-member.ts'
import { type ClassicSubscription, readSubscription, writeAssignment } from './consumer-protocol.ts'
import type { ConsumerTurn } from './consumer-turn.ts'
import { becomeClassic, mayBecomeClassic } from './downgrade.ts'
import { admitToFullGroup, describe, instanceHolder } from './heartbeat.ts'
import { fence } from './leaving.ts'
import { replaceMember } from './static-member.ts'

const { GROUP_MAX_SIZE_REACHED, ILLEGAL_GENERATION, INCONSISTENT_GROUP_PROTOCOL, MEMBER_ID_REQUIRED, NONE } = ErrorCodes
const { INVALID_SESSION_TIMEOUT, REBALANCE_IN_PROGRESS, UNKNOWN_MEMBER_ID } = ErrorCodes

export function join(turn: ConsumerTurn, request: JoinRequest, freshMemberId: string): JoinReply {
  const { settings } = turn
  const isNewcomer = request.memberId === ''
  const id = isNewcomer ? freshMemberId : request.memberId
  if (
    request.sessionTimeoutMs < settings.minClassicSessionTimeoutMs ||
    request.sessionTimeoutMs > settings.maxClassicSessionTimeoutMs
  )
    return refusedJoin(INVALID_SESSION_TIMEOUT, request.memberId)
  if (settings.migration === 'disabled') refuse(INCONSISTENT_GROUP_PROTOCOL, 'The group migration is disabled.')
  admitToFullGroup(turn, id, GROUP_MAX_SIZE_REACHED)
  if (!fits(turn.group, request)) refuse(INCONSISTENT_GROUP_PROTOCOL, `Member ${id}'s protocols are not supported.`)
  if (isNewcomer && request.mustKnowItsId && request.instanceId === null) return refusedJoin(MEMBER_ID_REQUIRED, id)
  const subscription = readOrRefuse(turn, request)
  const member = memberOf(turn, request, id)
  const hasNewSubscription = describe(turn, member, detailsOf(request, subscription))
  refreshTopics(turn, hasNewSubscription)
  const isLastOfNew = request.instanceId !== null && mayBecomeClassic(turn, [])
  updateTarget(turn)
  const next = advance(turn, id, { hasNewSubscription, reported: subscription.owned })
  turn.noDeadline(`join:${id}`)
  turn.deadline(`session:${id}`, request.sessionTimeoutMs)
  turn.deadline(`sync:${id}`, request.rebalanceTimeoutMs)
  if (isLastOfNew) becomeClassic(turn)
  return {
    ...refusedJoin(NONE, id),
    generation: next.current.epoch,
    protocolType: 'consumer',
    protocolName: request.protocols[0]!.name,
  }
}

/** One of its assignors must be known to all members of the classic protocol, or they could not go back. */
function fits(group: ConsumerGroup, { protocolType, protocols }: JoinRequest): boolean {
  if (protocolType !== 'consumer' || protocols.length === 0) return false
  const others = [...group.members.values()].flatMap(({ details }) =>
    details.classic ? [details.classic.protocols] : [],
  )
  return protocols.some(({ name }) => others.every(known => known.some(protocol => protocol.name === name)))
}

function readOrRefuse({ topics }: ConsumerTurn, { protocols }: JoinRequest): ClassicSubscription {
  try {
    return readSubscription(protocols[0]!.metadata, topics)
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return refuse(INCONSISTENT_GROUP_PROTOCOL, 'The embedded consumer protocol is malformed.')
  }
}

function memberOf(turn: ConsumerTurn, { memberId, instanceId }: JoinRequest, id: string): ConsumerMember {
  const { group } = turn
  if (instanceId === null) return group.members.get(id) ?? blankMember(id)
  const holder = group.staticMember(instanceId)
  if (memberId !== '') return instanceHolder(holder, instanceId, memberId)
  return holder === undefined ? blankMember(id) : replaceMember(turn, holder, id)
}

function detailsOf(request: JoinRequest, { topicNames, rackId }: ClassicSubscription): MemberDetails {
  const { instanceId, clientId, clientHost, rebalanceTimeoutMs, sessionTimeoutMs, protocols } = request
  const classic = { sessionTimeoutMs, protocols }
  return {
    instanceId,
    rackId,
    clientId,
    clientHost,
    topicNames,
    topicRegex: '',
    rebalanceTimeoutMs,
    serverAssignor: null,
    classic,
  }
}

export function sync(turn: ConsumerTurn, request: Question<SyncEvent>): SyncReply {
  const { group, topics } = turn
  const { id, details, current } = classicMember(turn, request, request.generation)
  const [protocol] = details.classic.protocols
  const isOfOther = (request.protocolType ?? 'consumer') !== 'consumer'
  if (isOfOther || (request.protocolName ?? protocol!.name) !== protocol!.name)
    refuse(INCONSISTENT_GROUP_PROTOCOL, 'The protocol is not the one of the answer to JoinGroup.')
  if (group.epoch > current.epoch && current.state !== 'unrevoked') {
    turn.deadlineIfUnset(`join:${id}`, details.rebalanceTimeoutMs)
    // The deadline stands although the request is refused.
    return syncReply(REBALANCE_IN_PROGRESS, request, new Uint8Array(0))
  }
  turn.noDeadline(`sync:${id}`)
  turn.deadline(`session:${id}`, details.classic.sessionTimeoutMs)
  return syncReply(NONE, request, writeAssignment(current.assigned, protocol!.metadata, topics))
}

function syncReply(
  error: ErrorCode,
  { protocolType, protocolName }: Question<SyncEvent>,
  assignment: Uint8Array,
): SyncReply {
  return { type: 'sync', error, protocolType, protocolName, assignment }
}

export function classicHeartbeat(turn: ConsumerTurn, claim: Identity & { readonly generation: number }): PlainReply {
  const { group } = turn
  const member = classicMember(turn, claim, claim.generation)
  const { id, current, details } = member
  turn.deadline(`session:${id}`, details.classic.sessionTimeoutMs)
  const canGoOn = current.state === 'unreleased' && !waitsForOthers(group, member)
  if (current.epoch >= group.epoch && current.state !== 'unrevoked' && !canGoOn) return { type: 'plain', error: NONE }
  turn.deadlineIfUnset(`join:${id}`, details.rebalanceTimeoutMs)
  return { type: 'plain', error: REBALANCE_IN_PROGRESS }
}

function waitsForOthers(group: ConsumerGroup, { id, current }: ConsumerMember): boolean {
  for (const [topicId, partitions] of group.target(id)) {
    for (const partition of partitions) {
      if (!holds(current.assigned, topicId, partition) && group.ownerOf(topicId, partition) !== undefined) return true
    }
  }
  return false
}

/** LeaveGroup works for members of both protocols: it is also how people take out static ones. */
export function leaveClassic(turn: ConsumerTurn, identities: readonly Identity[]): LeaveReply {
  const leaving = new Map<string, ConsumerMember>()
  const members = identities.map(identity => {
    try {
      const member = identified(turn.group, identity)
      leaving.set(member.id, member)
      return { ...identity, error: NONE as ErrorCode }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return { ...identity, error: error.errorCode }
    }
  })
  fence(turn, [...leaving.values()])
  return { type: 'leave', error: NONE, members }
}

function identified(group: ConsumerGroup, { memberId, instanceId }: Identity): ConsumerMember {
  if (instanceId === null) return group.members.get(memberId) ?? unknownMember(group.id, memberId)
  const holder = group.staticMember(instanceId)
  return memberId === '' && holder ? holder : instanceHolder(holder, instanceId, memberId)
}

type ClassicMember = ConsumerMember & { readonly details: { readonly classic: NonNullable<MemberDetails['classic']> } }

function classicMember({ group }: ConsumerTurn, identity: Identity, generation: number): ClassicMember {
  const { memberId, instanceId } = identity
  const member =
    instanceId === null
      ? (group.members.get(memberId) ?? unknownMember(group.id, memberId))
      : instanceHolder(group.staticMember(instanceId), instanceId, memberId)
  if (member.details.classic === null)
    return refuse(UNKNOWN_MEMBER_ID, `Member ${memberId} does not use the classic protocol.`)
  if (member.current.epoch !== generation) {
    const sentence = `The request generation id ${generation} is not equal to the member epoch ${member.current.epoch} of member ${memberId}.`
    return refuse(ILLEGAL_GENERATION, sentence)
  }
  return member as ClassicMember
}
