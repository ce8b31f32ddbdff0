/** The bytes that members of a consumer group exchange through the broker, as plain objects: what a member wants, and what it gets. */
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
  decodeConsumerProtocol,
  encodeConsumerProtocol,
} from '@odradek/protocol'
import type { Assignor, GroupMember, MemberAssignment } from './assignors/assignor.ts'
import { groupByTopic, type TopicPartition } from './topic-partition.ts'

/** As written in JoinGroup for consumers; Connect has another. */
export const consumerProtocolType = 'consumer'

/** Version 1 brought what is owned, 2 its generation, 3 the rack. A reader of an older version finds what it knows at the front. */
const subscriptionVersion = 3
const assignmentVersion = 0

export interface Subscription {
  topics: readonly string[]
  owned: readonly TopicPartition[]
  generation: number
  rackId: string | null
}

export function encodeSubscription(assignor: Assignor, subscription: Subscription): Uint8Array {
  const { topics, owned, generation, rackId } = subscription
  return encodeConsumerProtocol(ConsumerProtocolSubscription, subscriptionVersion, {
    topics: topics.toSorted(),
    userData: assignor.userData?.({ topics, owned }) ?? null,
    ownedPartitions: assignor.protocol === 'cooperative' ? groupByTopic(owned) : [],
    generationId: generation,
    rackId,
  })
}

export function decodeMember(member: {
  memberId: string
  groupInstanceId: string | null
  metadata: Uint8Array
}): GroupMember {
  const { memberId, groupInstanceId, metadata } = member
  const { topics, userData, ownedPartitions, generationId, rackId } = decodeConsumerProtocol(
    ConsumerProtocolSubscription,
    metadata,
  ).value
  return {
    memberId,
    groupInstanceId,
    topics,
    owned: flatten(ownedPartitions),
    generation: generationId,
    rackId,
    userData,
  }
}

export function encodeAssignment({ partitions, userData }: MemberAssignment): Uint8Array {
  return encodeConsumerProtocol(ConsumerProtocolAssignment, assignmentVersion, {
    assignedPartitions: groupByTopic(partitions),
    userData,
  })
}

/** No bytes at all mean no partitions: the answer to a member for whom the leader wrote nothing. */
export function decodeAssignment(bytes: Uint8Array): MemberAssignment {
  if (bytes.length === 0) return { partitions: [], userData: null }
  const { assignedPartitions, userData } = decodeConsumerProtocol(ConsumerProtocolAssignment, bytes).value
  return { partitions: flatten(assignedPartitions), userData }
}

function flatten(topics: readonly { topic: string; partitions: readonly number[] }[]): TopicPartition[] {
  return topics.flatMap(({ topic, partitions }) => partitions.map(partition => ({ topic, partition })))
}
