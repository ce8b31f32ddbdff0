import type { PartitionId } from '@odradek/log'
import { type ErrorCode, ErrorCodes, noId } from '@odradek/protocol'
import type { ClusterStore, Topic, TopicPartition } from './cluster-store/cluster-store.ts'
import type { RequestContext } from './handler.ts'

/** A topic as requests name it: by name, or in newer versions by id alone. */
export function topicOf(cluster: ClusterStore, name: string | null, id: string): Topic | undefined {
  return id === noId ? cluster.topic(name ?? '') : cluster.topicById(id)
}

/** What to answer when `topicOf` found nothing. */
export const missingTopic = (id: string): ErrorCode =>
  id === noId ? ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION : ErrorCodes.UNKNOWN_TOPIC_ID

/** A partition that this node leads, or the error code to answer instead. */
export function ledPartition(
  context: RequestContext,
  topic: Topic,
  index: number,
  epoch = -1,
): TopicPartition | ErrorCode {
  const { broker, nodeId } = context
  const partition = topic.partitions[index]
  if (partition === undefined) return ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION
  if (broker.leaderOf(partition.id) !== nodeId) return ErrorCodes.NOT_LEADER_OR_FOLLOWER
  if (epoch === -1 || epoch === broker.cluster.leaderEpoch) return partition
  return epoch < broker.cluster.leaderEpoch ? ErrorCodes.FENCED_LEADER_EPOCH : ErrorCodes.UNKNOWN_LEADER_EPOCH
}

/**
 * A partition as Metadata and DescribeTopicPartitions show it. It has one replica, which leads and is in sync. One that is offline is
 * shown out of sync, but keeps its leader: clients that meet a partition without one give up all of its topic.
 */
export function partitionView(context: RequestContext, index: number, id: PartitionId): PartitionView {
  const leaderId = context.broker.leaderOf(id)
  const replicas = [leaderId]
  const isOffline = context.broker.engine.isOffline(id)
  return {
    errorCode: 0,
    partitionIndex: index,
    leaderId,
    leaderEpoch: context.broker.cluster.leaderEpoch,
    replicaNodes: replicas,
    isrNodes: isOffline ? [] : replicas,
    offlineReplicas: isOffline ? replicas : [],
  }
}

export interface PartitionView {
  errorCode: number
  partitionIndex: number
  leaderId: number
  leaderEpoch: number
  replicaNodes: number[]
  isrNodes: number[]
  offlineReplicas: number[]
}
