/** What groups have committed: read, written and removed. */
import { ErrorCodes, OffsetCommit, OffsetDelete, OffsetFetch } from '@odradek/protocol'
import type { Cluster } from '../cluster/cluster.ts'
import { byTopic, type PartitionItem } from './by-leader.ts'
import { askCoordinator } from './group-coordinator.ts'
import type { AdminCallOptions } from './settle-each.ts'

export interface GroupOffset extends PartitionItem {
  readonly offset: number
  /** -1 when it was not given. */
  readonly leaderEpoch: number
  readonly metadata: string
}

export interface NewGroupOffset extends PartitionItem {
  readonly offset: number
  readonly leaderEpoch?: number
  readonly metadata?: string
}

/** Later versions name topics by id, which those of deleted topics no longer have. */
const namesTopics = { maxVersion: 9 }

export async function fetchOffsets(
  cluster: Cluster,
  groupId: string,
  options: AdminCallOptions,
): Promise<GroupOffset[]> {
  const input = { groupId, topics: null, groups: [{ groupId, topics: null }], requireStable: false }
  const codeOf = (r: { groups: { errorCode: number }[]; errorCode: number }) => r.groups[0]?.errorCode ?? r.errorCode
  const response = await askCoordinator(cluster, groupId, OffsetFetch, input, codeOf, { ...options, ...namesTopics })
  const topics = response.groups[0]?.topics ?? response.topics
  const found = topics.flatMap(({ name, partitions }) =>
    partitions
      .filter(({ committedOffset }) => committedOffset >= 0)
      .map(p => ({
        topic: name,
        partition: p.partitionIndex,
        offset: p.committedOffset,
        leaderEpoch: p.committedLeaderEpoch,
        metadata: p.metadata ?? '',
      })),
  )
  return found.sort(byPlace)
}

/** For groups without members; a group with members moves its offsets itself. */
export async function commitOffsets(
  cluster: Cluster,
  groupId: string,
  offsets: readonly NewGroupOffset[],
  options: AdminCallOptions,
): Promise<void> {
  const topics = byTopic(offsets).map(({ name, items }) => ({
    name,
    partitions: items.map(({ partition, offset, leaderEpoch = -1, metadata = '' }) => ({
      partitionIndex: partition,
      committedOffset: offset,
      committedLeaderEpoch: leaderEpoch,
      committedMetadata: metadata,
    })),
  }))
  const input = { groupId, generationIdOrMemberEpoch: -1, memberId: '', topics }
  await askCoordinator(cluster, groupId, OffsetCommit, input, response => firstError(response.topics), {
    ...options,
    ...namesTopics,
  })
}

export async function removeOffsets(
  cluster: Cluster,
  groupId: string,
  partitions: readonly PartitionItem[],
  options: AdminCallOptions,
): Promise<void> {
  const topics = byTopic(partitions).map(({ name, items }) => ({
    name,
    partitions: items.map(({ partition }) => ({ partitionIndex: partition })),
  }))
  const codeOf = (r: { errorCode: number; topics: { partitions: { errorCode: number }[] }[] }) =>
    r.errorCode || firstError(r.topics)
  await askCoordinator(cluster, groupId, OffsetDelete, { groupId, topics }, codeOf, options)
}

export function byPlace(a: PartitionItem, b: PartitionItem): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1
  return a.partition - b.partition
}

function firstError(topics: readonly { partitions: readonly { errorCode: number }[] }[]): number {
  return (
    topics.flatMap(({ partitions }) => partitions).find(({ errorCode }) => errorCode !== ErrorCodes.NONE)?.errorCode ??
    0
  )
}
