import type { PartitionId, Uuid } from '@odradek/log'

/**
 * What a cluster knows about itself: its id, topics, settings, producer ids. Reads answer at once from memory; writes resolve when they
 * are durable. The embedded engine keeps it in SQLite, the shared one in PostgreSQL; nothing above may know which.
 */
export interface ClusterStore {
  /** 22 characters, the same for ever. */
  readonly clusterId: string
  /** Raised at each start of the cluster's only process, so that clients notice what they must check again. */
  readonly leaderEpoch: number
  /** Counts changes; equal numbers mean equal content. */
  readonly version: number

  topics(): Iterable<Topic>
  topic(name: string): Topic | undefined
  topicById(id: Uuid): Topic | undefined
  partition(id: PartitionId): TopicPartition | undefined

  /** The name must be free; choose the id at random. */
  createTopic(spec: { id: Uuid; name: string; partitions: number; config: ConfigOverrides }): Promise<Topic>
  addPartitions(id: Uuid, total: number): Promise<Topic>
  setTopicConfig(id: Uuid, config: ConfigOverrides): Promise<Topic>
  /** The topic is gone; `droppedTopics` remembers that its bytes are still to be removed. */
  deleteTopic(id: Uuid): Promise<void>
  /** Topics deleted whose bytes may still be there (a crash came between). */
  droppedTopics(): readonly Uuid[]
  forgetDropped(id: Uuid): Promise<void>

  /** Dynamic broker settings: those of the whole cluster under '', those of one node under its id. */
  brokerConfig(node: string): ConfigOverrides
  setBrokerConfig(node: string, config: ConfigOverrides): Promise<void>

  /** What was set for a group, of whatever kind, and whether or not it exists. */
  groupConfig(groupId: string): ConfigOverrides
  setGroupConfig(groupId: string, config: ConfigOverrides): Promise<void>

  /** `count` fresh producer ids, the first of which is returned. Never given twice, not even after a crash. */
  allocateProducerIds(count: number): Promise<bigint>

  close(): Promise<void>
}

/** A topic as it is now; a change makes a new object. */
export interface Topic {
  readonly id: Uuid
  readonly name: string
  /** Its own partitions, dense from 0. */
  readonly partitions: readonly TopicPartition[]
  /** Only what was set for this topic, under Kafka's dotted names. */
  readonly config: ConfigOverrides
}

export interface TopicPartition {
  readonly topic: Pick<Topic, 'id' | 'name'>
  readonly index: number
  /** Its name inside the engine. */
  readonly id: PartitionId
}

export type ConfigOverrides = Readonly<Record<string, string>>
