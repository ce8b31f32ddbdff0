/** ConsumerGroupHeartbeat as the rules take it, and what of a request is wrong whatever the group is like. */
import { ErrorCodes } from '@odradek/protocol'
import { refuse } from '../../refusal.ts'
import type { OwnedPartitions, TopicPartitions } from '../topic-partitions.ts'
import type { ConsumerSettings } from './consumer-settings.ts'

/** A null says: as before. */
export interface HeartbeatRequest {
  readonly groupId: string
  readonly memberId: string
  /** 0 joins, −1 leaves, −2 leaves for a while. */
  readonly memberEpoch: number
  readonly instanceId: string | null
  readonly rackId: string | null
  /** −1: as before. */
  readonly rebalanceTimeoutMs: number
  readonly topicNames: readonly string[] | null
  readonly topicRegex: string | null
  readonly serverAssignor: string | null
  readonly owned: TopicPartitions | null
  readonly clientId: string
  readonly clientHost: string
  /** Since version 1 members make their ids themselves. */
  readonly apiVersion: number
  /** For a newcomer without an id. */
  readonly freshMemberId: string
}

export interface HeartbeatReply {
  readonly memberId: string
  readonly memberEpoch: number
  readonly heartbeatIntervalMs: number
  /** Null: as before. */
  readonly assignment: OwnedPartitions | null
}

/** Members must say everything, so that nothing has to be assumed of them. */
export const saysAll = ({ rebalanceTimeoutMs, topicNames, topicRegex, owned }: HeartbeatRequest): boolean =>
  rebalanceTimeoutMs !== -1 && (topicNames !== null || topicRegex !== null) && owned !== null

/** Throws a Refusal. */
export function checkHeartbeat(request: HeartbeatRequest, { assignors }: ConsumerSettings): void {
  const { memberEpoch, serverAssignor } = request
  if (request.memberId === '' && (request.apiVersion >= 1 || memberEpoch !== 0)) wrong("MemberId can't be empty.")
  if (request.groupId === '') wrong("GroupId can't be empty.")
  if (request.instanceId === '') wrong("InstanceId can't be empty.")
  if (request.rackId === '') wrong("RackId can't be empty.")
  if (memberEpoch === 0) checkJoining(request)
  else if (memberEpoch === -2 && request.instanceId === null) wrong("InstanceId can't be null.")
  else if (memberEpoch < -2) wrong(`MemberEpoch is ${memberEpoch}, but must be greater than or equal to -2.`)
  if (serverAssignor !== null && !assignors.includes(serverAssignor)) {
    const advice = `ServerAssignor ${serverAssignor} is not supported. Supported assignors: ${assignors.join(', ')}.`
    refuse(ErrorCodes.UNSUPPORTED_ASSIGNOR, advice)
  }
}

function checkJoining({ rebalanceTimeoutMs, owned, topicNames, topicRegex }: HeartbeatRequest): void {
  if (rebalanceTimeoutMs === -1) wrong('RebalanceTimeoutMs must be provided in first request.')
  if (owned === null || owned.size > 0) wrong('TopicPartitions must be empty when (re-)joining.')
  if (topicNames === null && topicRegex === null)
    wrong('Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.')
}

const wrong = (sentence: string): never => refuse(ErrorCodes.INVALID_REQUEST, sentence)
