/** Questions every assignor asks of a group. */
import { byTopicAndPartition, type TopicPartition } from '../topic-partition.ts'
import type { Assignments, GroupMember, GroupView } from './assignor.ts'

/** Every topic somebody subscribed to, by name. */
export function topicsOf(group: GroupView): string[] {
  return [...new Set(group.members.flatMap(member => member.topics))].sort()
}

export function allPartitions(group: GroupView): TopicPartition[] {
  const all: TopicPartition[] = []
  for (const topic of topicsOf(group)) {
    for (let partition = 0; partition < group.partitionsOf(topic); partition++) all.push({ topic, partition })
  }
  return all
}

/** Static members first, by their instance id, so that a restart under a new member id changes nothing; then the others by member id. */
export function inStableOrder(members: readonly GroupMember[]): GroupMember[] {
  return members.toSorted((a, b) => {
    const [x, y] = [a.groupInstanceId, b.groupInstanceId]
    if (x !== null && y !== null) return compare(x, y)
    if (x !== null) return -1
    if (y !== null) return 1
    return compare(a.memberId, b.memberId)
  })
}

/** An entry for each member. */
export function emptyAssignments(group: GroupView): Assignments {
  return new Map(group.members.map(({ memberId }) => [memberId, { partitions: [], userData: null }]))
}

export function assignmentsFrom(owners: ReadonlyMap<string, readonly TopicPartition[]>): Assignments {
  return new Map(
    Array.from(owners, ([memberId, partitions]) => [
      memberId,
      { partitions: partitions.toSorted(byTopicAndPartition), userData: null },
    ]),
  )
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
