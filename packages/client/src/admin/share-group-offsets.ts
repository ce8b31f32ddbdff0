/** Where share groups begin: the first offset of each partition that is not done with (KIP-932). Read, moved and forgotten. */
import {
  AlterShareGroupOffsets,
  DeleteShareGroupOffsets,
  DescribeShareGroupOffsets,
  ErrorCodes,
} from '@odradek/protocol'
import type { Cluster } from '../cluster/cluster.ts'
import { byTopic, type PartitionItem } from './by-leader.ts'
import { askCoordinator } from './group-coordinator.ts'
import { byPlace, type GroupOffset, type NewGroupOffset } from './group-offsets.ts'
import type { AdminCallOptions } from './settle-each.ts'

export interface ShareGroupOffset extends GroupOffset {
  /** Records that are not done with; -1: the broker does not say. */
  readonly lag: number
}

export async function fetchShareOffsets(
  cluster: Cluster,
  groupId: string,
  options: AdminCallOptions,
): Promise<ShareGroupOffset[]> {
  const input = { groups: [{ groupId, topics: null }] }
  const codeOf = (r: { groups: { errorCode: number }[] }) => r.groups[0]!.errorCode
  const { groups } = await askCoordinator(cluster, groupId, DescribeShareGroupOffsets, input, codeOf, options)
  const found = groups[0]!.topics.flatMap(({ topicName, partitions }) =>
    partitions
      .filter(({ errorCode, startOffset }) => errorCode === ErrorCodes.NONE && startOffset >= 0)
      .map(({ partitionIndex: partition, startOffset: offset, leaderEpoch, lag }) => ({
        ...{ topic: topicName, partition, offset, leaderEpoch, metadata: '', lag },
      })),
  )
  return found.sort(byPlace)
}

/** For groups without members. */
export async function alterShareOffsets(
  cluster: Cluster,
  groupId: string,
  offsets: readonly NewGroupOffset[],
  options: AdminCallOptions,
): Promise<void> {
  const topics = byTopic(offsets).map(({ name: topicName, items }) => ({
    topicName,
    partitions: items.map(({ partition: partitionIndex, offset: startOffset }) => ({ partitionIndex, startOffset })),
  }))
  const codeOf = (r: { errorCode: number; responses: { partitions: { errorCode: number }[] }[] }) =>
    r.errorCode || firstError(r.responses.flatMap(({ partitions }) => partitions))
  await askCoordinator(cluster, groupId, AlterShareGroupOffsets, { groupId, topics }, codeOf, options)
}

/** Whole topics: the protocol knows nothing finer. */
export async function removeShareOffsets(
  cluster: Cluster,
  groupId: string,
  partitions: readonly PartitionItem[],
  options: AdminCallOptions,
): Promise<void> {
  const topics = byTopic(partitions).map(({ name: topicName }) => ({ topicName }))
  const codeOf = (r: { errorCode: number; responses: { errorCode: number }[] }) =>
    r.errorCode || firstError(r.responses)
  await askCoordinator(cluster, groupId, DeleteShareGroupOffsets, { groupId, topics }, codeOf, options)
}

const firstError = (rows: readonly { errorCode: number }[]): number =>
  rows.find(({ errorCode }) => errorCode !== ErrorCodes.NONE)?.errorCode ?? 0
