/** The rules of StreamsGroupHeartbeat: who a member is, whether its topology is the group's, and how far it may go. */
import { ErrorCodes } from '@odradek/protocol'
import { refuse } from '../../refusal.ts'
import { unknownMember } from '../refusals.ts'
import { isWithin, samePlaces } from '../topic-partitions.ts'
import { advance, raiseEpoch, updateTarget } from './assigning.ts'
import { type ConfiguredTopology, type Status, Statuses } from './configured-topology.ts'
import type { StreamsHeartbeat, StreamsReply } from './heartbeat-request.ts'
import {
  blankStreamsMember,
  type StreamsMember,
  type StreamsMemberDetails,
  sameStreamsDetails,
} from './streams-member.ts'
import { streamsMemberTombstones } from './streams-part.ts'
import type { StreamsTurn } from './streams-turn.ts'
import { splitTaskKey, type Tasks } from './tasks.ts'
import { sameTopology, type Topology } from './topology.ts'

export function heartbeat(turn: StreamsTurn, request: StreamsHeartbeat): StreamsReply {
  const { group, settings } = turn
  if (request.memberEpoch === 0 && group.members.size >= settings.maxSize) {
    const sentence = `The streams group has reached its maximum capacity of ${settings.maxSize} members.`
    refuse(ErrorCodes.GROUP_MAX_SIZE_REACHED, sentence)
  }
  const isFirst = group.members.size === 0
  const member = memberOf(turn, request)
  const details = detailsOf(member.details, request)
  const isNew = !group.members.has(member.id) || !sameStreamsDetails(details, member.details)
  if (isNew) turn.write({ type: 'member', memberId: member.id, value: details })
  if (request.topology) takeTopology(turn, request.topology)
  if (isFirst && settings.initialRebalanceDelayMs > 0 && !turn.isDelayed) {
    turn.isDelayed = true
    turn.deadline('initial', settings.initialRebalanceDelayMs)
  }
  if (request.shutdownApplication) turn.memory = { ...turn.memory, shutdownBy: member.id }
  turn.deadline(`session:${member.id}`, settings.sessionTimeoutMs)
  // One that repeats everything may have missed an answer; so has one that is an epoch behind.
  const mustBeTold = request.rebalanceTimeoutMs !== -1 || request.memberEpoch !== member.current.epoch
  return proceed(turn, { ...member, details }, { isNew, mustBeTold, owned: request.owned })
}

/** The topics that were missing have been made: the same member goes on. */
export function goOn(turn: StreamsTurn, memberId: string): StreamsReply {
  const member = turn.group.members.get(memberId) ?? unknownMember(turn.group.id, memberId)
  return proceed(turn, member, { isNew: false, mustBeTold: true, owned: null })
}

/** The first members have waited long enough for more. */
export function dealFirst(turn: StreamsTurn): void {
  turn.isDelayed = false
  const configured = turn.configured()
  if (configured && turn.group.members.size > 0) updateTarget(turn, configured)
}

/** The member is gone, of itself or because it fell silent. What it had is free at once. */
export function leave(turn: StreamsTurn, memberId: string, shutdownApplication = false): StreamsReply {
  const { group } = turn
  const member = group.members.get(memberId) ?? unknownMember(group.id, memberId)
  if (shutdownApplication) turn.memory = { ...turn.memory, shutdownBy: memberId }
  turn.deadline(`session:${memberId}`, null)
  turn.deadline(`revoke:${memberId}`, null)
  for (const tombstone of streamsMemberTombstones(group.id, memberId)) turn.writeRecord(tombstone)
  turn.write({ type: 'group', value: { ...group.facts, epoch: group.epoch + 1 } })
  if (member.details.userEndpoint !== null) turn.movesEndpoints = true
  if (turn.group.members.size === 0) {
    turn.memory = { ...turn.memory, shutdownBy: null }
    turn.deadline('initial', null)
  }
  return { memberId, memberEpoch: -1, heartbeatIntervalMs: 0, tasks: null, statuses: [] }
}

/** The member fell silent, or did not give up in time what it had to. */
export function expired(turn: StreamsTurn, what: 'session' | 'revoke', memberId: string): void {
  const member = turn.group.members.get(memberId)
  if (member === undefined || (what === 'revoke' && member.current.state !== 'unrevoked')) return
  leave(turn, memberId)
}

interface Going {
  /** It, or what it says of itself. */
  readonly isNew: boolean
  readonly mustBeTold: boolean
  readonly owned: Tasks | null
}

function proceed(turn: StreamsTurn, before: StreamsMember, { isNew, mustBeTold, owned }: Going): StreamsReply {
  const configured = turn.configured()
  if (configured === null) return refuse(ErrorCodes.UNKNOWN_SERVER_ERROR, 'The group has lost its topology.')
  if (!configured.problem && owned) checkTasks(owned, configured)
  raiseEpoch(turn, configured, isNew)
  updateTarget(turn, configured)
  const next = advance(turn, before.id, owned)
  return {
    memberId: before.id,
    memberEpoch: next.current.epoch,
    heartbeatIntervalMs: turn.settings.heartbeatIntervalMs,
    tasks: mustBeTold || !samePlaces(before.current.assigned, next.current.assigned) ? next.current.assigned : null,
    statuses: statusesOf(turn, before, configured),
  }
}

function statusesOf(
  turn: StreamsTurn,
  { details }: StreamsMember,
  { topology, problem }: ConfiguredTopology,
): Status[] {
  const statuses: Status[] = []
  if (details.topologyEpoch < topology.epoch) {
    const statusDetail = `The member's topology epoch ${details.topologyEpoch} is behind the group's topology epoch ${topology.epoch}.`
    statuses.push({ statusCode: Statuses.STALE_TOPOLOGY, statusDetail })
  }
  if (turn.isDelayed) {
    const statusDetail = 'Assignment delayed due to the configured initial rebalance delay.'
    statuses.push({ statusCode: Statuses.ASSIGNMENT_DELAYED, statusDetail })
  }
  if (problem) statuses.push(problem)
  const { shutdownBy } = turn.memory
  if (shutdownBy !== null) {
    const statusDetail = `Streams group member ${shutdownBy} encountered a fatal error and requested a shutdown for the entire application.`
    statuses.push({ statusCode: Statuses.SHUTDOWN_APPLICATION, statusDetail })
  }
  return statuses
}

function memberOf({ group }: StreamsTurn, { memberId, memberEpoch, owned }: StreamsHeartbeat): StreamsMember {
  const member = group.members.get(memberId)
  if (!member) return memberEpoch === 0 ? blankStreamsMember(memberId) : unknownMember(group.id, memberId)
  const { epoch, previousEpoch, assigned } = member.current
  if (memberEpoch === 0 || memberEpoch === epoch) return member
  const isBehind = memberEpoch < epoch
  // It did not hear of the newer one.
  if (isBehind && memberEpoch === previousEpoch && owned !== null && isWithin(owned, assigned)) return member
  const sentence = `The streams group member has a ${isBehind ? 'smaller' : 'greater'} member epoch (${memberEpoch}) than the one known by the group coordinator (${epoch}). The member must abandon all its partitions and rejoin.`
  return refuse(ErrorCodes.FENCED_MEMBER_EPOCH, sentence)
}

function detailsOf(before: StreamsMemberDetails, request: StreamsHeartbeat): StreamsMemberDetails {
  return {
    instanceId: before.instanceId,
    rackId: request.rackId ?? before.rackId,
    clientId: request.clientId,
    clientHost: request.clientHost,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs === -1 ? before.rebalanceTimeoutMs : request.rebalanceTimeoutMs,
    topologyEpoch: request.topology?.epoch ?? before.topologyEpoch,
    processId: request.processId ?? before.processId,
    userEndpoint: request.userEndpoint ?? before.userEndpoint,
    clientTags: request.clientTags ?? before.clientTags,
  }
}

/** The first member brings it. One with an older epoch may join, and is told that it is behind; a newer one waits for a new group. */
function takeTopology(turn: StreamsTurn, topology: Topology): void {
  const { topology: known } = turn.group
  if (known === null) turn.write({ type: 'topology', value: topology })
  else if (topology.epoch >= known.epoch && !sameTopology(topology, known))
    refuse(ErrorCodes.INVALID_REQUEST, 'Topology updates are not supported yet.')
}

function checkTasks(owned: Tasks, { subtopologies }: ConfiguredTopology): void {
  for (const [key, partitions] of owned) {
    const { subtopologyId } = splitTaskKey(key)
    const tasks = subtopologies.get(subtopologyId)?.tasks
    if (tasks === undefined)
      refuse(ErrorCodes.INVALID_REQUEST, `Subtopology ${subtopologyId} does not exist in the topology.`)
    for (const partition of partitions) {
      if (partition >= 0 && partition < tasks!) continue
      const sentence = `Task ${partition} for subtopology ${subtopologyId} is invalid. Number of tasks for this subtopology: ${tasks}`
      refuse(ErrorCodes.INVALID_REQUEST, sentence)
    }
  }
}
