/** StreamsGroupHeartbeat as the rules take it, and what of a request is wrong whatever the group is like. */
import { ErrorCodes, type Request, type StreamsGroupHeartbeat } from '@odradek/protocol'
import { refuse } from '../../refusal.ts'
import type { Places } from '../topic-partitions.ts'
import type { Status } from './configured-topology.ts'
import { type Tasks, tasksOf } from './tasks.ts'
import { type Topology, topologyOf } from './topology.ts'

/** A null says: as before. */
export interface StreamsHeartbeat {
  readonly groupId: string
  readonly memberId: string
  /** 0 joins, −1 leaves. */
  readonly memberEpoch: number
  /** The endpoints of others that it knows. */
  readonly endpointEpoch: number
  readonly rackId: string | null
  /** −1: as before. */
  readonly rebalanceTimeoutMs: number
  /** Of who joins. */
  readonly topology: Topology | null
  readonly owned: Tasks | null
  readonly processId: string | null
  readonly userEndpoint: { readonly host: string; readonly port: number } | null
  readonly clientTags: readonly { readonly key: string; readonly value: string }[] | null
  /** It cannot go on, and nobody else shall. */
  readonly shutdownApplication: boolean
  readonly clientId: string
  readonly clientHost: string
}

export interface StreamsReply {
  readonly memberId: string
  readonly memberEpoch: number
  readonly heartbeatIntervalMs: number
  /** Null: as before. */
  readonly tasks: Places | null
  readonly statuses: readonly Status[]
}

type Asked = Request<typeof StreamsGroupHeartbeat>

/** Throws a Refusal. */
export function readHeartbeat(asked: Asked, client: { clientId: string; clientHost: string }): StreamsHeartbeat {
  checkSupported(asked)
  checkSense(asked)
  const { activeTasks, standbyTasks, warmupTasks } = asked
  return {
    groupId: asked.groupId,
    memberId: asked.memberId,
    memberEpoch: asked.memberEpoch,
    endpointEpoch: asked.endpointInformationEpoch,
    rackId: asked.rackId,
    rebalanceTimeoutMs: asked.rebalanceTimeoutMs,
    topology: asked.topology && topologyOf(asked.topology),
    owned: activeTasks && standbyTasks && warmupTasks && tasksOf({ activeTasks, standbyTasks, warmupTasks }),
    processId: asked.processId,
    userEndpoint: asked.userEndpoint,
    clientTags: asked.clientTags?.toSorted((one, other) => (one.key < other.key ? -1 : 1)) ?? null,
    shutdownApplication: asked.shutdownApplication,
    ...client,
  }
}

/** What has a place in the message, and is refused by Kafka 4.3 as it is here. */
function checkSupported(asked: Asked): void {
  if (asked.instanceId !== null) wrong('Static membership is not yet supported.')
  if (asked.taskOffsets !== null) wrong('TaskOffsets are not supported yet.')
  if (asked.taskEndOffsets !== null) wrong('TaskEndOffsets are not supported yet.')
  if (asked.warmupTasks?.length) wrong('WarmupTasks are not supported yet.')
  if (asked.topology?.subtopologies.some(({ sourceTopicRegex }) => sourceTopicRegex.length > 0))
    wrong('Regular expressions for source topics are not supported yet.')
}

function checkSense(asked: Asked): void {
  const { memberEpoch, activeTasks, standbyTasks, warmupTasks } = asked
  if (asked.memberId === '') wrong("MemberId can't be empty.")
  if (asked.groupId === '') wrong("GroupId can't be empty.")
  if (asked.rackId === '') wrong("RackId can't be empty.")
  if (memberEpoch === 0) checkJoining(asked)
  else if (memberEpoch === -2) wrong("InstanceId can't be null.")
  else if (memberEpoch < -2) wrong(`MemberEpoch is ${memberEpoch}, but must be greater than or equal to -2.`)
  const said = [activeTasks, standbyTasks, warmupTasks].filter(tasks => tasks !== null).length
  if (said !== 0 && said !== 3) wrong('If one task-type is non-null, all must be non-null.')
  if (memberEpoch !== 0 && asked.topology !== null) wrong('Topology can only be provided when (re-)joining.')
}

function checkJoining({ rebalanceTimeoutMs, activeTasks, standbyTasks, warmupTasks, topology }: Asked): void {
  if (rebalanceTimeoutMs === -1) wrong('RebalanceTimeoutMs must be provided in first request.')
  if (activeTasks?.length !== 0) wrong('ActiveTasks must be empty when (re-)joining.')
  if (standbyTasks?.length !== 0) wrong('StandbyTasks must be empty when (re-)joining.')
  if (warmupTasks?.length !== 0) wrong('WarmupTasks must be empty when (re-)joining.')
  if (topology === null) wrong('Topology must be non-null when (re-)joining.')
  for (const { stateChangelogTopics } of topology!.subtopologies)
    for (const { name, partitions } of stateChangelogTopics) {
      if (partitions === 0) continue
      const sentence = `Changelog topic ${name} must have an undefined partition count, but it is set to ${partitions}.`
      refuse(ErrorCodes.STREAMS_INVALID_TOPOLOGY, sentence)
    }
}

const wrong = (sentence: string): never => refuse(ErrorCodes.INVALID_REQUEST, sentence)
