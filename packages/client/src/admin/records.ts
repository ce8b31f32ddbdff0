/** Deleting records from the beginning of partitions. */
import { DeleteRecords } from '@odradek/protocol'
import type { Cluster } from '../cluster/cluster.ts'
import { askLeaders, type PartitionItem } from './by-leader.ts'
import { type AdminCallOptions, matchRows } from './settle-each.ts'

export interface LowWatermark extends PartitionItem {
  readonly lowWatermark: number
}

interface Target extends PartitionItem {
  readonly before: number
}

export function deleteRecords(
  cluster: Cluster,
  targets: readonly Target[],
  { signal, timeoutMs = 30_000 }: AdminCallOptions & { readonly timeoutMs?: number },
): Promise<LowWatermark[]> {
  return askLeaders(cluster, targets, { signal }, async (nodeId, topics) => {
    const rows = topics.map(({ name, items }) => ({
      name,
      partitions: items.map(({ partition, before }) => ({ partitionIndex: partition, offset: before })),
    }))
    const response = await cluster.call(nodeId, DeleteRecords, { topics: rows, timeoutMs }, { signal })
    const rowOf = ({ topic, partition }: Target) =>
      response.topics.find(t => t.name === topic)?.partitions.find(p => p.partitionIndex === partition)
    const context = { api: DeleteRecords.name, topic: (i: Target) => i.topic, partition: (i: Target) => i.partition }
    const asked = topics.flatMap(({ items }) => items)
    return matchRows(asked, rowOf, context, ({ lowWatermark }, { topic, partition }) => ({
      topic,
      partition,
      lowWatermark,
    }))
  })
}
