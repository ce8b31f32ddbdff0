/** Offsets of partitions at a point: where they begin, where they end, what was written first at or after a time. */
import { ListOffsets } from '@odradek/protocol'
import type { Cluster } from '../cluster/cluster.ts'
import { askLeaders, type PartitionItem } from './by-leader.ts'
import { type AdminCallOptions, matchRows } from './settle-each.ts'

/** `max-timestamp`: the record with the largest timestamp. */
export type OffsetPoint = 'earliest' | 'latest' | 'max-timestamp' | { readonly timestamp: number }

export interface PartitionOffset {
  readonly topic: string
  readonly partition: number
  /** -1: no record is that young. */
  readonly offset: number
  /** Of the record, when the point is a time; else -1. */
  readonly timestamp: number
  readonly leaderEpoch: number
}

export interface ListOffsetsOptions extends AdminCallOptions {
  /** With `read_committed`, `latest` is the end of what is certain. */
  readonly isolation?: 'read_uncommitted' | 'read_committed'
}

const specialTimestamps = { latest: -1, earliest: -2, 'max-timestamp': -3 } as const

export function listOffsets(
  cluster: Cluster,
  partitions: readonly PartitionItem[],
  at: OffsetPoint,
  options: ListOffsetsOptions = {},
): Promise<PartitionOffset[]> {
  const timestamp = typeof at === 'string' ? specialTimestamps[at] : at.timestamp
  const isolationLevel = options.isolation === 'read_committed' ? 1 : 0
  return askLeaders(cluster, partitions, options, async (nodeId, topics) => {
    const rows = topics.map(({ name, items }) => ({
      name,
      partitions: items.map(({ partition }) => ({ partitionIndex: partition, timestamp })),
    }))
    const input = { replicaId: -1, isolationLevel, topics: rows, timeoutMs: 30_000 }
    const response = await cluster.call(nodeId, ListOffsets, input, { signal: options.signal })
    const rowOf = ({ topic, partition }: PartitionItem) =>
      response.topics.find(t => t.name === topic)?.partitions.find(p => p.partitionIndex === partition)
    const context = {
      api: ListOffsets.name,
      topic: (i: PartitionItem) => i.topic,
      partition: (i: PartitionItem) => i.partition,
    }
    const asked = topics.flatMap(({ items }) => items)
    return matchRows(asked, rowOf, context, ({ offset, timestamp, leaderEpoch }, { topic, partition }) => ({
      topic,
      partition,
      offset,
      timestamp,
      leaderEpoch,
    }))
  })
}
