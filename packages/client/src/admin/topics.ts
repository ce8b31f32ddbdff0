/** Topics: make, list, describe, delete, enlarge. */
import { CreatePartitions, CreateTopics, DeleteTopics, ErrorCodes, noId, ProtocolError } from '@odradek/protocol'
import type { Cluster } from '../cluster/cluster.ts'
import type { PartitionMetadata } from '../cluster/metadata.ts'
import { noSuchTopic } from './missing.ts'
import { listOffsets, type OffsetPoint, type PartitionOffset } from './offsets.ts'
import { deleteRecords, type LowWatermark } from './records.ts'
import { type AdminCallOptions, matchRows, settleEach } from './settle-each.ts'

export interface NewTopic {
  readonly name: string
  /** The broker's default when left out. */
  readonly partitions?: number
  readonly replicationFactor?: number
  /** Node ids per partition, instead of the two counts. */
  readonly assignments?: readonly (readonly number[])[]
  readonly config?: Readonly<Record<string, string | number | boolean>>
}

export interface CreatedTopic {
  readonly name: string
  readonly topicId: string
  /** -1 when the broker did not say. */
  readonly partitions: number
  /** False: it was there before (`ifNotExists`). */
  readonly isNew: boolean
}

export interface TopicDescription {
  readonly name: string
  readonly topicId: string
  readonly isInternal: boolean
  readonly partitions: readonly PartitionMetadata[]
}

interface Waiting extends AdminCallOptions {
  /** Default 30,000: how long the broker may take. */
  readonly timeoutMs?: number
}

const unknownTopic: readonly number[] = [ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION, ErrorCodes.UNKNOWN_TOPIC_ID]

export class TopicsAdmin {
  readonly #cluster: Cluster

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** Resolves when the topics can be written to. */
  async create(
    topics: NewTopic | readonly NewTopic[],
    options: Waiting & { readonly ifNotExists?: boolean; readonly validateOnly?: boolean } = {},
  ): Promise<CreatedTopic[]> {
    const { ifNotExists = false, validateOnly = false, signal, timeoutMs = 30_000 } = options
    const wanted = listOf(topics)
    const created = await settleEach(this.#cluster, wanted, { signal }, async (pending, mayBeDone) => {
      const input = { topics: pending.map(newTopicRow), timeoutMs, validateOnly }
      const response = await this.#cluster.call('controller', CreateTopics, input, { signal })
      const rowOf = ({ name }: NewTopic) => {
        const row = response.topics.find(other => other.name === name)
        const exists = row?.errorCode === ErrorCodes.TOPIC_ALREADY_EXISTS
        const isFine = exists && (ifNotExists || mayBeDone)
        return row && { ...row, errorCode: isFine ? 0 : row.errorCode, isNew: !exists || mayBeDone }
      }
      return matchRows(pending, rowOf, { api: CreateTopics.name, topic: item => item.name }, row => ({
        name: row.name,
        topicId: row.topicId,
        partitions: row.numPartitions,
        isNew: row.isNew,
      }))
    })
    if (validateOnly) return created
    const visible = await this.#cluster.metadata(
      wanted.map(({ name }) => name),
      { signal, fresh: true },
    )
    return created.map((row, i) => ({
      ...row,
      topicId: visible[i]!.topicId,
      partitions: visible[i]!.partitions.length,
    }))
  }

  /** By name. Those the cluster keeps for itself are left out unless `internal` is set. */
  async *list({
    internal = false,
    signal,
  }: AdminCallOptions & { readonly internal?: boolean } = {}): AsyncGenerator<TopicDescription> {
    const { topics } = await this.#cluster.retrying({ signal }, () => this.#cluster.describe(null, { signal }))
    for (const topic of topics.toSorted(byName)) if (internal || !topic.isInternal) yield topic
  }

  async describe(names: readonly string[], options?: AdminCallOptions): Promise<TopicDescription[]>
  async describe(name: string, options?: AdminCallOptions): Promise<TopicDescription>
  async describe(
    names: string | readonly string[],
    { signal }: AdminCallOptions = {},
  ): Promise<TopicDescription | TopicDescription[]> {
    const found = await settleEach<string, TopicDescription>(
      this.#cluster,
      listOf(names),
      { signal },
      async pending => {
        const { topics, failed } = await this.#cluster.describe(pending, { signal })
        return pending.map(item => {
          const result = topics.find(topic => topic.name === item)
          return result ? { item, result } : { item, error: absence(item, failed.get(item)) }
        })
      },
    )
    return typeof names === 'string' ? found[0]! : found
  }

  async delete(
    names: string | readonly string[],
    options: Waiting & { readonly ifExists?: boolean } = {},
  ): Promise<void> {
    const { ifExists = false, signal, timeoutMs = 30_000 } = options
    await settleEach(this.#cluster, listOf(names), { signal, final: unknownTopic }, async (pending, mayBeDone) => {
      const input = { topics: pending.map(name => ({ name, topicId: noId })), topicNames: pending, timeoutMs }
      const response = await this.#cluster.call('controller', DeleteTopics, input, { signal })
      const rowOf = (name: string) => {
        const row = response.responses.find(other => other.name === name)
        const gone = (ifExists || mayBeDone) && isUnknownTopic(row?.errorCode)
        return row && { ...row, errorCode: gone ? 0 : row.errorCode }
      }
      return matchRows(pending, rowOf, { api: DeleteTopics.name, topic: name => name }, () => true)
    })
  }

  /** Resolves when the topic has `total` partitions. Keys go to other partitions from then on. */
  async createPartitions(
    topic: string,
    total: number,
    options: Waiting & { readonly validateOnly?: boolean } = {},
  ): Promise<void> {
    const { validateOnly = false, signal, timeoutMs = 30_000 } = options
    await settleEach(this.#cluster, [topic], { signal, final: unknownTopic }, async pending => {
      const input = { topics: [{ name: topic, count: total, assignments: null }], timeoutMs, validateOnly }
      const { results } = await this.#cluster.call('controller', CreatePartitions, input, { signal })
      return matchRows(
        pending,
        () => results[0],
        { api: CreatePartitions.name, topic: name => name },
        () => true,
      )
    })
    if (validateOnly) return
    await this.#cluster.retrying({ signal }, async () => {
      const [known] = await this.#cluster.metadata([topic], { signal, fresh: true })
      const partition = known!.partitions.length
      if (partition < total)
        throw new ProtocolError(ErrorCodes.LEADER_NOT_AVAILABLE, { api: 'Metadata', topic, partition })
    })
  }

  /** The offsets of one topic's partitions at a point: its ends, or a time. */
  async offsets(
    topic: string,
    at: OffsetPoint,
    options: AdminCallOptions & { readonly partitions?: readonly number[] } = {},
  ): Promise<PartitionOffset[]> {
    const { partitions } = await this.describe(topic, options)
    const wanted = options.partitions ?? partitions.map(({ partition }) => partition)
    return listOffsets(
      this.#cluster,
      wanted.map(partition => ({ topic, partition })),
      at,
      options,
    )
  }

  /** Deletes all records below an offset; -1 means all there are. Returns where the partitions begin now. */
  deleteRecords(
    targets: readonly { readonly topic: string; readonly partition: number; readonly before: number }[],
    options: Waiting = {},
  ): Promise<LowWatermark[]> {
    return deleteRecords(this.#cluster, targets, options)
  }
}

function newTopicRow({ name, partitions = -1, replicationFactor = -1, assignments = [], config = {} }: NewTopic) {
  const isAssigned = assignments.length > 0
  return {
    name,
    numPartitions: isAssigned ? -1 : partitions,
    replicationFactor: isAssigned ? -1 : replicationFactor,
    assignments: assignments.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
    configs: Object.entries(config).map(([key, value]) => ({ name: key, value: String(value) })),
  }
}

function listOf<T>(one: T | readonly T[]): readonly T[] {
  return Array.isArray(one) ? one : [one as T]
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0
}

function absence(topic: string, code: number | undefined): Error {
  return code === undefined || isUnknownTopic(code)
    ? noSuchTopic(topic)
    : new ProtocolError(code, { api: 'Metadata', topic })
}

function isUnknownTopic(code: number | undefined): boolean {
  return unknownTopic.some(known => known === code)
}
