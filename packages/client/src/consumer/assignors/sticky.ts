/**
 * Sticky: balanced, and everybody keeps as much as balance allows. Under the eager protocol a member has given up its partitions by
 * the time it joins, so it remembers them itself and sends them as user data, in the form Kafka's StickyAssignor reads and writes:
 *
 *   array of { topic: string, partitions: array of int32 }, generation: int32      (the oldest members leave the generation out)
 */
import type { TopicPartition } from '../topic-partition.ts'
import { groupByTopic } from '../topic-partition.ts'
import type { Assignor, GroupMember } from './assignor.ts'
import { balance, type Claim } from './balance.ts'
import { assignmentsFrom } from './group-view.ts'
import { BytesReader, BytesWriter } from './user-data.ts'

/** One per member: it remembers. */
export function sticky(): Assignor {
  let owned: readonly TopicPartition[] = []
  let generation = -1
  return {
    name: 'sticky',
    protocol: 'eager',
    userData: () => (generation === -1 ? null : encodeStickyUserData(owned, generation)),
    assign: group => assignmentsFrom(balance(group, group.members.map(claimOf))),
    onAssigned(assignment, membership) {
      owned = assignment.partitions
      generation = membership.generation
    },
  }
}

function claimOf(member: GroupMember): Claim {
  const { partitions, generation } = decodeStickyUserData(member.userData)
  return { memberId: member.memberId, partitions, generation }
}

export function encodeStickyUserData(owned: readonly TopicPartition[], generation: number): Uint8Array {
  const writer = new BytesWriter()
  const topics = groupByTopic(owned)
  writer.int32(topics.length)
  for (const { topic, partitions } of topics) {
    writer.string(topic)
    writer.int32(partitions.length)
    for (const partition of partitions) writer.int32(partition)
  }
  writer.int32(generation)
  return writer.bytes()
}

/** Bytes that do not fit claim nothing: an assignor must not fail because of one strange member. */
export function decodeStickyUserData(bytes: Uint8Array | null): { partitions: TopicPartition[]; generation: number } {
  if (bytes === null) return { partitions: [], generation: -1 }
  const reader = new BytesReader(bytes)
  const partitions: TopicPartition[] = []
  for (let topics = reader.length(6); topics > 0; topics--) {
    const topic = reader.string()
    for (let left = reader.length(4); left > 0; left--) partitions.push({ topic, partition: reader.int32() })
  }
  const generation = reader.remaining >= 4 ? reader.int32() : -1
  return reader.failed ? { partitions: [], generation: -1 } : { partitions, generation }
}
