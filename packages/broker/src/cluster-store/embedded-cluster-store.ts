import type { PartitionId, Uuid } from '@odradek/log'
import { ErrorCodes } from '@odradek/protocol'
import { Refusal } from '../refusal.ts'
import type { ClusterStore, ConfigOverrides, Topic, TopicPartition } from './cluster-store.ts'
import { MetadataCopies } from './metadata-copies.ts'
import { inOrder, type MetadataEntry, MetadataImage, type StoredTopic } from './metadata-image.ts'
import { type MetadataPlace, openMetadata } from './metadata-opening.ts'
import { storageRefusal } from './storage-errors.ts'

/**
 * The cluster store of the embedded engine: two files in the data folder, either of which can be made again from the other (FORMAT.md),
 * with everything in memory as well. A write resolves when both have it on disk.
 */
export class EmbeddedClusterStore implements ClusterStore {
  readonly clusterId: string
  readonly leaderEpoch: number
  #version = 0
  readonly #copies: MetadataCopies
  readonly #byName = new Map<string, Topic>()
  readonly #byId = new Map<Uuid, Topic>()
  readonly #partitions = new Map<PartitionId, TopicPartition>()

  /** Opens or makes the metadata of a folder, which raises the leader epoch. Throws UsageError when the folder cannot be used. */
  static async openFolder(place: MetadataPlace): Promise<EmbeddedClusterStore> {
    return new EmbeddedClusterStore(await openMetadata(place))
  }

  /** Keeps nothing. */
  static inMemory(freshClusterId: () => string): EmbeddedClusterStore {
    const image = new MetadataImage()
    image.apply([
      ['cluster', 'cluster_id', freshClusterId()],
      ['cluster', 'leader_epoch', '1'],
      ['cluster', 'next_producer_id', '0'],
      ['cluster', 'next_partition_id', '1'],
    ])
    return new EmbeddedClusterStore(new MetadataCopies(image))
  }

  private constructor(copies: MetadataCopies) {
    this.#copies = copies
    this.clusterId = copies.image.table('cluster').get('cluster_id')!
    this.leaderEpoch = copies.image.number('leader_epoch')
    for (const [id, stored] of copies.image.table('topic')) this.#load(id, stored)
  }

  get version(): number {
    return this.#version
  }

  topics(): Iterable<Topic> {
    return this.#byName.values()
  }

  topic(name: string): Topic | undefined {
    return this.#byName.get(name)
  }

  topicById(id: Uuid): Topic | undefined {
    return this.#byId.get(id)
  }

  partition(id: PartitionId): TopicPartition | undefined {
    return this.#partitions.get(id)
  }

  async createTopic(spec: { id: Uuid; name: string; partitions: number; config: ConfigOverrides }): Promise<Topic> {
    await this.#write(() => {
      const partitions = this.#freshPartitions(spec.partitions)
      const stored = { name: spec.name, partitions, config: inOrder(spec.config) }
      return [['topic', spec.id, stored], this.#nextPartition(partitions)]
    })
    return this.#reload(spec.id)
  }

  async addPartitions(id: Uuid, total: number): Promise<Topic> {
    await this.#write(() => {
      const stored = this.#stored(id)
      const added = this.#freshPartitions(total - stored.partitions.length)
      return [['topic', id, { ...stored, partitions: [...stored.partitions, ...added] }], this.#nextPartition(added)]
    })
    return this.#reload(id)
  }

  async setTopicConfig(id: Uuid, config: ConfigOverrides): Promise<Topic> {
    await this.#write(() => [['topic', id, { ...this.#stored(id), config: inOrder(config) }]])
    return this.#reload(id)
  }

  async deleteTopic(id: Uuid): Promise<void> {
    await this.#write(() => {
      this.#stored(id)
      return [
        ['topic', id, null],
        ['dropped', id, true],
      ]
    })
    const topic = this.#byId.get(id)!
    this.#byId.delete(id)
    this.#byName.delete(topic.name)
    for (const partition of topic.partitions) this.#partitions.delete(partition.id)
    this.#version++
  }

  droppedTopics(): readonly Uuid[] {
    return [...this.#copies.image.table('dropped').keys()]
  }

  async forgetDropped(id: Uuid): Promise<void> {
    await this.#write(() => [['dropped', id, null]])
  }

  brokerConfig(node: string): ConfigOverrides {
    return this.#copies.image.table('broker').get(node) ?? {}
  }

  async setBrokerConfig(node: string, config: ConfigOverrides): Promise<void> {
    const isEmpty = Object.keys(config).length === 0
    await this.#write(() => [['broker', node, isEmpty ? null : inOrder(config)]])
    this.#version++
  }

  groupConfig(groupId: string): ConfigOverrides {
    return this.brokerConfig(groupRow(groupId))
  }

  setGroupConfig(groupId: string, config: ConfigOverrides): Promise<void> {
    return this.setBrokerConfig(groupRow(groupId), config)
  }

  async allocateProducerIds(count: number): Promise<bigint> {
    let first = 0n
    await this.#write(() => {
      first = BigInt(this.#copies.image.table('cluster').get('next_producer_id')!)
      return [['cluster', 'next_producer_id', String(first + BigInt(count))]]
    })
    return first
  }

  close(): Promise<void> {
    return this.#copies.close()
  }

  /** Throws a Refusal, and nothing has changed, when the disk does not take it. */
  async #write(plan: () => readonly MetadataEntry[]): Promise<void> {
    try {
      await this.#copies.write(plan)
    } catch (error) {
      throw storageRefusal(error)
    }
  }

  /** Another request may have deleted it while this one waited for its turn. */
  #stored(id: Uuid): StoredTopic {
    const stored = this.#copies.image.table('topic').get(id)
    if (stored === undefined)
      throw new Refusal(ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION, 'The topic was deleted meanwhile.')
    return stored
  }

  #freshPartitions(count: number): PartitionId[] {
    const first = this.#copies.image.number('next_partition_id')
    return Array.from({ length: Math.max(0, count) }, (_, i) => first + i)
  }

  #nextPartition(taken: readonly PartitionId[]): MetadataEntry {
    const next = (taken.at(-1) ?? this.#copies.image.number('next_partition_id') - 1) + 1
    return ['cluster', 'next_partition_id', String(next)]
  }

  #reload(id: Uuid): Topic {
    return this.#load(id, this.#stored(id))
  }

  #load(id: Uuid, { name, partitions: ids, config }: StoredTopic): Topic {
    const identity = { id, name }
    const partitions = ids.map((each, index) => ({ topic: identity, index, id: each }))
    const topic: Topic = { id, name, partitions, config }
    this.#byName.set(name, topic)
    this.#byId.set(id, topic)
    for (const partition of partitions) this.#partitions.set(partition.id, partition)
    this.#version++
    return topic
  }
}

/** Settings of groups stand among those of nodes, whose ids are numbers. */
const groupRow = (groupId: string): string => `group:${groupId}`
