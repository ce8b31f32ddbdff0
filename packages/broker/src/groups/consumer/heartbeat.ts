/** The rules of ConsumerGroupHeartbeat: who a member is, what it wants, and how far it may go. */
import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import { refuse } from '../../refusal.ts'
import { unknownMember } from '../refusals.ts'
import { isWithin } from '../topic-partitions.ts'
import { advance, refreshTopics } from './assigning.ts'
import {
  awayEpoch,
  blankMember,
  type ConsumerMember,
  type MemberDetails,
  sameDetails,
  sameNames,
  sameOwnedPlaces,
} from './consumer-member.ts'
import type { ConsumerTurn } from './consumer-turn.ts'
import { type HeartbeatReply, type HeartbeatRequest, saysAll } from './heartbeat-request.ts'
import { fence } from './leaving.ts'
import { replaceMember } from './static-member.ts'
import { checkRegex } from './subscription.ts'

const { FENCED_INSTANCE_ID, FENCED_MEMBER_EPOCH, GROUP_MAX_SIZE_REACHED, UNKNOWN_MEMBER_ID, UNRELEASED_INSTANCE_ID } =
  ErrorCodes

/** What the member says is written down first; the answer follows when the target has been brought up to date. */
export function heartbeat(turn: ConsumerTurn, request: HeartbeatRequest): () => HeartbeatReply {
  admitToFullGroup(turn, request.memberId, GROUP_MAX_SIZE_REACHED)
  const member =
    request.instanceId === null ? dynamicMember(turn, request) : staticMember(turn, request, request.instanceId)
  const hasNewSubscription = describe(turn, member, detailsOf(member.details, request))
  refreshTopics(turn, hasNewSubscription || turn.group.epoch === 0)
  return () => answer(turn, request, member, hasNewSubscription)
}

function answer(
  turn: ConsumerTurn,
  request: HeartbeatRequest,
  before: ConsumerMember,
  hasNewSubscription: boolean,
): HeartbeatReply {
  const { sessionTimeoutMs, heartbeatIntervalMs } = turn.settings
  const member = advance(turn, before.id, { hasNewSubscription, reported: request.owned })
  turn.deadline(`session:${member.id}`, sessionTimeoutMs)
  const mustBeTold = request.memberEpoch === 0 || saysAll(request) || !sameOwnedPlaces(before, member)
  return {
    memberId: member.id,
    memberEpoch: member.current.epoch,
    heartbeatIntervalMs,
    assignment: mustBeTold ? member.current.assigned : null,
  }
}

export function admitToFullGroup({ group, settings }: ConsumerTurn, memberId: string, error: ErrorCode): void {
  if (group.members.size < settings.maxSize || group.members.has(memberId)) return
  refuse(error, `The consumer group has reached its maximum capacity of ${settings.maxSize} members.`)
}

function dynamicMember(
  { group }: ConsumerTurn,
  { memberId, freshMemberId, ...request }: HeartbeatRequest,
): ConsumerMember {
  const id = memberId === '' ? freshMemberId : memberId
  const member = group.members.get(id)
  if (member === undefined) return request.memberEpoch === 0 ? blankMember(id) : unknownMember(group.id, id)
  checkEpoch(member, request)
  return member
}

/** An instance id belongs to one member; another can take it over when that one has said that it is away. */
function staticMember(turn: ConsumerTurn, request: HeartbeatRequest, instanceId: string): ConsumerMember {
  const { group } = turn
  const id = request.memberId === '' ? request.freshMemberId : request.memberId
  const holder = group.staticMember(instanceId)
  if (request.memberEpoch !== 0) {
    const known = instanceHolder(holder, instanceId, id)
    checkEpoch(known, request)
    return known
  }
  if (holder === undefined) return group.members.get(id) ?? blankMember(id)
  if (holder.details.classic === null && holder.current.epoch !== awayEpoch) {
    const sentence = `Static member ${id} with instance id ${instanceId} cannot join the group because the instance id is owned by ${holder.id} member.`
    refuse(UNRELEASED_INSTANCE_ID, sentence)
  }
  return replaceMember(turn, holder, id)
}

/** Throws for somebody who does not hold the instance id he names. */
export function instanceHolder(
  holder: ConsumerMember | undefined,
  instanceId: string,
  memberId: string,
): ConsumerMember {
  if (holder === undefined) return refuse(UNKNOWN_MEMBER_ID, `Instance id ${instanceId} is unknown.`)
  if (holder.id === memberId) return holder
  const sentence = `Static member ${memberId} with instance id ${instanceId} was fenced by member ${holder.id}.`
  return refuse(FENCED_INSTANCE_ID, sentence)
}

/** The epoch before is let pass as long as the member owns nothing but what it may: it did not hear of the newer one. */
function checkEpoch(
  { current }: ConsumerMember,
  { memberEpoch, owned }: Pick<HeartbeatRequest, 'memberEpoch' | 'owned'>,
): void {
  if (memberEpoch === 0 || memberEpoch === current.epoch) return
  const isBehind = memberEpoch < current.epoch
  const hasMissedIt = memberEpoch === current.previousEpoch && owned !== null && isWithin(owned, current.assigned)
  if (isBehind && hasMissedIt) return
  const sentence = `The consumer group member has a ${isBehind ? 'smaller' : 'greater'} member epoch (${memberEpoch}) than the one known by the group coordinator (${current.epoch}). The member must abandon all its partitions and rejoin.`
  refuse(FENCED_MEMBER_EPOCH, sentence)
}

function detailsOf(before: MemberDetails, request: HeartbeatRequest): MemberDetails {
  return {
    instanceId: request.instanceId ?? before.instanceId,
    rackId: request.rackId ?? before.rackId,
    clientId: request.clientId,
    clientHost: request.clientHost,
    topicNames: request.topicNames ? [...new Set(request.topicNames)].sort() : before.topicNames,
    topicRegex: request.topicRegex ?? before.topicRegex,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs === -1 ? before.rebalanceTimeoutMs : request.rebalanceTimeoutMs,
    serverAssignor: request.serverAssignor ?? before.serverAssignor,
    classic: null,
  }
}

/** Writes down what a member says of itself; whether it subscribes to something else than before. */
export function describe(turn: ConsumerTurn, before: ConsumerMember, details: MemberDetails): boolean {
  const { topicNames, topicRegex } = before.details
  const hasNewRegex = details.topicRegex !== topicRegex
  if (hasNewRegex && details.topicRegex !== '') checkRegex(details.topicRegex, turn.topics)
  if (!turn.group.members.has(before.id) || !sameDetails(details, before.details))
    turn.write({ type: 'member', memberId: before.id, value: details })
  return hasNewRegex || !sameNames(details.topicNames, topicNames)
}

/** −1: the member is gone. −2: it is a static member, and keeps its partitions till it is back or its session ends. */
export function leave(turn: ConsumerTurn, { memberId, memberEpoch, instanceId }: HeartbeatRequest): HeartbeatReply {
  const { group } = turn
  const reply = { memberId, memberEpoch, heartbeatIntervalMs: 0, assignment: null }
  if (instanceId === null) {
    fence(turn, [group.members.get(memberId) ?? unknownMember(group.id, memberId)])
    return reply
  }
  const member = instanceHolder(group.staticMember(instanceId), instanceId, memberId)
  if (memberEpoch === awayEpoch) {
    const { current } = member
    const value = { ...current, epoch: awayEpoch, previousEpoch: current.epoch, revoking: new Map() }
    turn.write({ type: 'current', memberId, value })
    turn.noDeadline(`revoke:${memberId}`)
  } else fence(turn, [member])
  return reply
}

/** The member fell silent, or did not give up in time what it had to. */
export function expired(turn: ConsumerTurn, what: 'session' | 'revoke' | 'join' | 'sync', memberId: string): void {
  const member = turn.group.members.get(memberId)
  if (member === undefined || (what === 'revoke' && member.current.state !== 'unrevoked')) return
  fence(turn, [member])
}
