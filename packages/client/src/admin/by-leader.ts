/** Questions that only the leader of a partition answers: one request per leader, at the same time. */
import { ErrorCodes, ProtocolError } from '@odradek/protocol'
import type { Cluster } from '../cluster/cluster.ts'
import { noSuchPartition } from './missing.ts'
import { type AdminCallOptions, type Settled, settleEach } from './settle-each.ts'

export interface PartitionItem {
  readonly topic: string
  readonly partition: number
}

export interface TopicRows<I> {
  readonly name: string
  readonly items: readonly I[]
}

export function askLeaders<I extends PartitionItem, R>(
  cluster: Cluster,
  items: readonly I[],
  options: AdminCallOptions,
  ask: (nodeId: number, topics: readonly TopicRows<I>[]) => Promise<Settled<I, R>[]>,
): Promise<R[]> {
  let isFirst = true
  return settleEach(cluster, items, options, async pending => {
    await learn(cluster, pending, !isFirst, options.signal)
    isFirst = false
    const settled: Settled<I, R>[] = []
    const byLeader = new Map<number, I[]>()
    for (const item of pending) {
      const leader = cluster.leaderOf(item.topic, item.partition)
      if (leader < 0) settled.push({ item, error: unreachable(cluster, item) })
      else byLeader.set(leader, [...(byLeader.get(leader) ?? []), item])
    }
    const answers = Array.from(byLeader, ([nodeId, asked]) =>
      ask(nodeId, byTopic(asked)).catch(error => asked.map(item => ({ item, error: error as Error }))),
    )
    return [...settled, ...(await Promise.all(answers)).flat()]
  })
}

export function byTopic<I extends PartitionItem>(items: readonly I[]): TopicRows<I>[] {
  const topics = new Map<string, I[]>()
  for (const item of items) {
    const rows = topics.get(item.topic)
    if (rows) rows.push(item)
    else topics.set(item.topic, [item])
  }
  return Array.from(topics, ([name, rows]) => ({ name, items: rows }))
}

async function learn(
  cluster: Cluster,
  items: readonly PartitionItem[],
  fresh: boolean,
  signal?: AbortSignal,
): Promise<void> {
  const names = [...new Set(items.map(({ topic }) => topic))].filter(name => fresh || !cluster.topic(name))
  if (names.length > 0) await cluster.describe(names, { signal })
}

function unreachable(cluster: Cluster, { topic, partition }: PartitionItem): Error {
  const known = cluster.topic(topic)
  if (known?.partitions[partition]) return new ProtocolError(ErrorCodes.LEADER_NOT_AVAILABLE, { topic, partition })
  return noSuchPartition(topic, partition, known?.partitions.length)
}
