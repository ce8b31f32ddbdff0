/** Questions about offsets that callers ask, answered with retries; the position finder has its own, for it never gives up a partition. */
import { ErrorCodes, ListOffsets, ProtocolError } from '@odradek/protocol'
import type { Cluster } from '../cluster/cluster.ts'
import type { CommittedOffset } from './engine.ts'
import type { OffsetQueries } from './offset-queries.ts'
import { earliestTimestamp, latestTimestamp } from './start-position.ts'
import { keyOf, type TopicPartition } from './topic-partition.ts'

export class OffsetLookup {
  readonly #cluster: Cluster
  readonly #queries: OffsetQueries
  readonly #autoCreate: boolean

  constructor(cluster: Cluster, queries: OffsetQueries, autoCreate: boolean) {
    this.#cluster = cluster
    this.#queries = queries
    this.#autoCreate = autoCreate
  }

  committed(
    groupId: string,
    partitions: readonly TopicPartition[],
    signal?: AbortSignal,
  ): Promise<(CommittedOffset | null)[]> {
    return this.#cluster.retrying({ signal }, () => this.#queries.committed(groupId, partitions, signal))
  }

  /** Null: no record is that late. */
  async offsetsFor(
    partitions: readonly TopicPartition[],
    at: 'earliest' | 'latest' | { timestamp: number },
    signal?: AbortSignal,
  ): Promise<(number | null)[]> {
    if (partitions.length === 0) return []
    const timestamp = at === 'earliest' ? earliestTimestamp : at === 'latest' ? latestTimestamp : at.timestamp
    const found = await this.#cluster.retrying({ signal }, () => this.#ask(partitions, timestamp, signal))
    return partitions.map(at => {
      const offset = found.get(keyOf(at))!
      return offset < 0 ? null : offset
    })
  }

  async partitionsOf(topic: string, signal?: AbortSignal): Promise<number> {
    await this.#cluster.retrying({ signal }, () =>
      this.#cluster.describe([topic], { signal, autoCreate: this.#autoCreate }),
    )
    return this.#cluster.topic(topic)?.partitions.length ?? 0
  }

  async #ask(
    partitions: readonly TopicPartition[],
    timestamp: number,
    signal?: AbortSignal,
  ): Promise<Map<string, number>> {
    await this.#cluster.metadata([...new Set(partitions.map(at => at.topic))], { signal, autoCreate: this.#autoCreate })
    const byLeader = Map.groupBy(partitions, at => this.#leaderOf(at))
    const rounds = Array.from(byLeader, ([leader, some]) => {
      const questions = some.map(({ topic, partition }) => ({ topic, partition, timestamp }))
      return this.#queries.offsetsFor(leader, questions, signal)
    })
    const offsets = new Map<string, number>()
    for (const { topic, partition, errorCode, offset } of (await Promise.all(rounds)).flat()) {
      if (errorCode !== 0) throw new ProtocolError(errorCode, { api: ListOffsets.name, topic, partition })
      offsets.set(keyOf({ topic, partition }), offset)
    }
    return offsets
  }

  #leaderOf({ topic, partition }: TopicPartition): number {
    const leader = this.#cluster.leaderOf(topic, partition)
    if (leader < 0)
      throw new ProtocolError(ErrorCodes.LEADER_NOT_AVAILABLE, { api: ListOffsets.name, topic, partition })
    return leader
  }
}
