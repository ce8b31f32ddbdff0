/**
 * What the client knows of the cluster: brokers, and topics with the leaders of their partitions. Pure; `Cluster` asks and keeps.
 *
 * Answers may come from a broker that is behind. A partition's leader is therefore only replaced by one of the same or a higher
 * leader epoch, unless the topic has been made anew (another topic id).
 */
import { ErrorCodes, type Metadata, type Response } from '@odradek/protocol'
import type { Address } from '@odradek/world'

export interface BrokerNode extends Address {
  readonly nodeId: number
  readonly rack: string | null
}

export interface PartitionMetadata {
  readonly partition: number
  /** Node id, -1 when there is none for now. */
  readonly leader: number
  /** -1 when the broker did not say. */
  readonly leaderEpoch: number
  readonly replicas: readonly number[]
  readonly inSync: readonly number[]
}

export type TopicId = Response<typeof Metadata>['topics'][number]['topicId']

export interface TopicMetadata {
  readonly name: string
  readonly topicId: TopicId
  readonly isInternal: boolean
  /** By partition number, without holes. */
  readonly partitions: readonly PartitionMetadata[]
}

export interface MetadataAnswer {
  readonly brokers: ReadonlyMap<number, BrokerNode>
  readonly clusterId: string | null
  readonly controllerId: number
  readonly topics: readonly TopicMetadata[]
  /** Topics the cluster answered with an error, and which one. */
  readonly failed: ReadonlyMap<string, number>
}

export function readMetadata(response: Response<typeof Metadata>): MetadataAnswer {
  const topics: TopicMetadata[] = []
  const failed = new Map<string, number>()
  for (const topic of response.topics) {
    if (topic.name === null) continue
    if (topic.errorCode !== 0) failed.set(topic.name, topic.errorCode)
    else topics.push(readTopic(topic.name, topic))
  }
  const brokers = new Map(
    response.brokers.map(({ nodeId, host, port, rack }) => [nodeId, { nodeId, host, port, rack }]),
  )
  return { brokers, clusterId: response.clusterId, controllerId: response.controllerId, topics, failed }
}

function readTopic(name: string, topic: Response<typeof Metadata>['topics'][number]): TopicMetadata {
  const partitions = topic.partitions
    .map(p => ({
      partition: p.partitionIndex,
      leader: p.errorCode === ErrorCodes.LEADER_NOT_AVAILABLE ? -1 : p.leaderId,
      leaderEpoch: p.leaderEpoch,
      replicas: p.replicaNodes,
      inSync: p.isrNodes,
    }))
    .sort((a, b) => a.partition - b.partition)
  return { name, topicId: topic.topicId, isInternal: topic.isInternal, partitions }
}

/** The newer of what was known and what an answer says, partition by partition. */
export function mergeTopic(known: TopicMetadata | undefined, told: TopicMetadata): TopicMetadata {
  if (!known || known.topicId !== told.topicId) return told
  const partitions = told.partitions.map((partition, index) => {
    const before = known.partitions[index]
    return before && partition.leaderEpoch >= 0 && before.leaderEpoch > partition.leaderEpoch ? before : partition
  })
  return { ...told, partitions }
}

/** Whether a record could be sent to every partition right now. */
export function isUsable(topic: TopicMetadata): boolean {
  return topic.partitions.length > 0 && topic.partitions.every(({ leader }) => leader >= 0)
}
