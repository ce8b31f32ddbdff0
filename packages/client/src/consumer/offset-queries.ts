/** Questions about offsets: what a group has committed, which offset a timestamp has, where a leader epoch ended. One attempt each. */
import { ListOffsets, noId, OffsetFetch, OffsetForLeaderEpoch, ProtocolError } from '@odradek/protocol'
import type { Cluster } from '../cluster/cluster.ts'
import type { CommittedOffset } from './engine.ts'
import { callCoordinator, forgetIfMoved } from './group-call.ts'
import { groupByTopic, keyOf, type TopicPartition } from './topic-partition.ts'

/** `offset` -1: there is none. An error code belongs to its partition alone. */
export interface FoundOffset extends TopicPartition {
  errorCode: number
  offset: number
  leaderEpoch: number
}

export interface OffsetQuestion extends TopicPartition {
  timestamp: number
}

export interface EpochQuestion extends TopicPartition {
  leaderEpoch: number
}

const consumerReplicaId = -1

export class OffsetQueries {
  readonly #cluster: Cluster
  readonly #isolationLevel: number

  constructor(cluster: Cluster, isolation: 'read_uncommitted' | 'read_committed') {
    this.#cluster = cluster
    this.#isolationLevel = isolation === 'read_committed' ? 1 : 0
  }

  /** Null where the group has committed nothing. Waits out open transactions (UNSTABLE_OFFSET_COMMIT is thrown, and retriable). */
  async committed(
    groupId: string,
    partitions: readonly TopicPartition[],
    signal?: AbortSignal,
    reader: { readonly memberId: string; readonly memberEpoch: number } | null = null,
  ): Promise<(CommittedOffset | null)[]> {
    const topics = groupByTopic(partitions).map(({ topic, partitions: partitionIndexes }) => {
      return { name: topic, topicId: this.#cluster.topic(topic)?.topicId ?? noId, partitionIndexes }
    })
    const hasIds = topics.every(({ topicId }) => topicId !== noId)
    const request = { groupId, topics, groups: [{ groupId, ...reader, topics }], requireStable: true }
    const options = { signal, maxVersion: hasIds ? undefined : 9 }
    const response = await callCoordinator(this.#cluster, groupId, OffsetFetch, request, options)
    const group = response.groups[0] ?? response
    if (group.errorCode !== 0) {
      forgetIfMoved(this.#cluster, groupId, group.errorCode)
      throw new ProtocolError(group.errorCode, { api: OffsetFetch.name })
    }
    const found = new Map<string, CommittedOffset>()
    for (const topic of group.topics) {
      const name = topic.name || topics.find(({ topicId }) => 'topicId' in topic && topicId === topic.topicId)?.name
      for (const p of topic.partitions) {
        const at = { topic: name ?? '', partition: p.partitionIndex }
        if (p.errorCode !== 0) throw new ProtocolError(p.errorCode, { api: OffsetFetch.name, ...at })
        if (p.committedOffset < 0) continue
        const { committedOffset: offset, committedLeaderEpoch: leaderEpoch, metadata } = p
        found.set(keyOf(at), { ...at, offset, leaderEpoch, metadata })
      }
    }
    return partitions.map(at => found.get(keyOf(at)) ?? null)
  }

  /** Asks one leader. */
  async offsetsFor(leader: number, questions: readonly OffsetQuestion[], signal?: AbortSignal): Promise<FoundOffset[]> {
    const timestamps = new Map(questions.map(q => [keyOf(q), q.timestamp]))
    const topics = groupByTopic(questions).map(({ topic, partitions }) => ({
      name: topic,
      partitions: partitions.map(partitionIndex => ({
        partitionIndex,
        currentLeaderEpoch: this.#leaderEpoch(topic, partitionIndex),
        timestamp: timestamps.get(keyOf({ topic, partition: partitionIndex }))!,
      })),
    }))
    const request = { replicaId: consumerReplicaId, isolationLevel: this.#isolationLevel, topics, timeoutMs: 30_000 }
    const response = await this.#cluster.call(leader, ListOffsets, request, { signal })
    return response.topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, errorCode, offset, leaderEpoch }) => {
        return { topic: name, partition: partitionIndex, errorCode, offset, leaderEpoch }
      }),
    )
  }

  /** `offset` is where the epoch ended, -1 when the leader does not know; `leaderEpoch` the largest one not above that asked for. */
  async endsOfEpochs(
    leader: number,
    questions: readonly EpochQuestion[],
    signal?: AbortSignal,
  ): Promise<FoundOffset[]> {
    const epochs = new Map(questions.map(q => [keyOf(q), q.leaderEpoch]))
    const topics = groupByTopic(questions).map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(partition => ({
        partition,
        currentLeaderEpoch: this.#leaderEpoch(topic, partition),
        leaderEpoch: epochs.get(keyOf({ topic, partition }))!,
      })),
    }))
    const response = await this.#cluster.call(
      leader,
      OffsetForLeaderEpoch,
      { replicaId: consumerReplicaId, topics },
      { signal },
    )
    return response.topics.flatMap(({ topic, partitions }) =>
      partitions.map(({ partition, errorCode, endOffset, leaderEpoch }) => {
        return { topic, partition, errorCode, offset: endOffset, leaderEpoch }
      }),
    )
  }

  #leaderEpoch(topic: string, partition: number): number {
    return this.#cluster.topic(topic)?.partitions[partition]?.leaderEpoch ?? -1
  }
}
