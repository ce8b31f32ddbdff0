import {
  type ErrorCode,
  ErrorCodes,
  type ResponseInput,
  type ShareAcknowledge,
  type ShareFetch,
} from '@odradek/protocol'
import type { NodeAddress, RequestContext } from '../handler.ts'
import { ledPartition } from '../located.ts'
import { Refusal } from '../refusal.ts'
import { type AcknowledgementBatch, acknowledgements } from '../share-partitions/acknowledgement.ts'
import type { SharePartition } from '../share-partitions/share-partition.ts'
import { SessionEpochs, type ShareSession } from '../share-partitions/share-sessions.ts'

/** What ShareFetch and ShareAcknowledge have in common: who asks, in which session, and what it acknowledges. */
export interface ShareAsk {
  readonly groupId: string
  readonly memberId: string
  readonly epoch: number
}

export type ShareTopics = readonly {
  readonly topicId: string
  readonly partitions: readonly {
    readonly partitionIndex: number
    readonly acknowledgementBatches: readonly AcknowledgementBatch[]
  }[]
}[]

/** As Kafka's clients make them: a UUID in base64. */
const longestMemberId = 36

export function checkedAsk(request: {
  groupId: string | null
  memberId: string | null
  shareSessionEpoch: number
}): ShareAsk {
  const { groupId, memberId, shareSessionEpoch: epoch } = request
  if (groupId === null || groupId === '')
    throw new Refusal(ErrorCodes.INVALID_REQUEST, 'Invalid group id in the request.')
  if (memberId === null || memberId === '' || memberId.length > longestMemberId)
    throw new Refusal(ErrorCodes.INVALID_REQUEST, 'Invalid member id in the request.')
  return { groupId, memberId, epoch }
}

/** The session that a request continues or ends; it counts as its next request. */
export function continuedSession(
  { groupId, memberId, epoch }: ShareAsk,
  { broker, nodeId }: RequestContext,
): ShareSession {
  const { sessions } = broker.sharePartitions
  const session = sessions.find(groupId, memberId, nodeId)
  if (!session)
    throw new Refusal(ErrorCodes.SHARE_SESSION_NOT_FOUND, 'There is no such share session; begin one with epoch 0.')
  if (epoch !== SessionEpochs.FINAL && !sessions.advance(session, epoch)) {
    const message = `The share session expects epoch ${session.epoch}, not ${epoch}.`
    throw new Refusal(ErrorCodes.INVALID_SHARE_SESSION_EPOCH, message)
  }
  return session
}

export interface AckResult {
  readonly topicId: string
  readonly partitionIndex: number
  readonly error: ErrorCode
  readonly message: string | null
}

/** Takes the acknowledgements of a request; each partition by itself, and each all or nothing. Answers when they are durable. */
export function acknowledgeAll(
  { groupId, memberId }: ShareAsk,
  { topics, isRenewAck }: { topics: ShareTopics; isRenewAck: boolean },
  context: RequestContext,
): Promise<AckResult[]> {
  const results: (AckResult | Promise<AckResult>)[] = []
  for (const { topicId, partitions } of topics) {
    for (const { partitionIndex, acknowledgementBatches: batches } of partitions) {
      if (batches.length === 0) continue
      const result = (error: ErrorCode, message: string | null = null): AckResult => ({
        topicId,
        partitionIndex,
        error,
        message,
      })
      const ranges = acknowledgements(batches, { isRenewAck })
      if (typeof ranges === 'string') {
        results.push(result(ErrorCodes.INVALID_REQUEST, ranges))
        continue
      }
      const partition = sharePartitionOf(groupId, topicId, partitionIndex, context)
      if (typeof partition === 'number') {
        results.push(result(partition))
        continue
      }
      const answer = partition.acknowledge(memberId, ranges)
      results.push(typeof answer === 'number' ? result(answer) : answer.then(error => result(error)))
    }
  }
  return Promise.all(results)
}

export function sharePartitionOf(
  groupId: string,
  topicId: string,
  index: number,
  context: RequestContext,
): SharePartition | ErrorCode {
  const { cluster, sharePartitions } = context.broker
  const topic = cluster.topicById(topicId)
  if (!topic) return ErrorCodes.UNKNOWN_TOPIC_ID
  const led = ledPartition(context, topic, index)
  return typeof led === 'number' ? led : sharePartitions.find(groupId, led)
}

type Endpoints = NonNullable<ResponseInput<typeof ShareFetch | typeof ShareAcknowledge>['nodeEndpoints']>

/** Where the leader of a partition is, for a client that came to the wrong node. */
export function leaderHint(
  { topicId, partitionIndex }: { topicId: string; partitionIndex: number },
  error: ErrorCode,
  { broker }: RequestContext,
): { leaderId: number; leaderEpoch: number } {
  const partition = broker.cluster.topicById(topicId)?.partitions[partitionIndex]
  if (error !== ErrorCodes.NOT_LEADER_OR_FOLLOWER || !partition) return { leaderId: -1, leaderEpoch: -1 }
  return { leaderId: broker.leaderOf(partition.id), leaderEpoch: broker.cluster.leaderEpoch }
}

export function endpointsFor(errors: Iterable<ErrorCode>, context: RequestContext): Endpoints {
  for (const error of errors)
    if (error === ErrorCodes.NOT_LEADER_OR_FOLLOWER) return nodesBut(context.nodeId, context.nodes())
  return []
}

const nodesBut = (own: number, nodes: readonly NodeAddress[]): Endpoints =>
  nodes.filter(({ nodeId }) => nodeId !== own).map(({ nodeId, host, port, rack }) => ({ nodeId, host, port, rack }))

/** Rows by topic, in the order of their coming. */
export function byTopic<T extends { topicId: string }, P>(
  rows: Iterable<T>,
  partition: (row: T) => P,
): { topicId: string; partitions: P[] }[] {
  const topics = new Map<string, P[]>()
  for (const row of rows) {
    const partitions = topics.get(row.topicId)
    if (partitions) partitions.push(partition(row))
    else topics.set(row.topicId, [partition(row)])
  }
  return Array.from(topics, ([topicId, partitions]) => ({ topicId, partitions }))
}
