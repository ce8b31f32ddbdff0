import { data } from '../message.ts'
import {
  array,
  bigint64,
  bytes,
  int8,
  int32,
  int64,
  nullable,
  preset,
  string,
  struct,
  tagged,
  uuid,
} from '../schema.ts'

/**
 * Groups of the consumer protocol (`__consumer_offsets`, KIP-848): the group, its members, the assignment they shall have and the
 * one they have.
 */

const topicPartitions = { topicId: uuid, partitions: array(int32) }
/** With the epoch in which each was assigned, since Kafka 4.3 (KIP-1251). */
const ownedPartitions = { ...topicPartitions, assignmentEpochs: tagged(0, preset(array(int32), [])) }

export const ConsumerGroupMetadataKey = data({
  name: 'ConsumerGroupMetadataKey',
  versions: [3, 3],
  flexible: Infinity,
  fields: {
    groupId: string,
  },
})

export const ConsumerGroupMetadataValue = data({
  name: 'ConsumerGroupMetadataValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    epoch: int32,
    metadataHash: tagged(0, preset(bigint64, 0n)),
  },
})

export const ConsumerGroupPartitionMetadataKey = data({
  name: 'ConsumerGroupPartitionMetadataKey',
  versions: [4, 4],
  flexible: Infinity,
  fields: {
    groupId: string,
  },
})

export const ConsumerGroupPartitionMetadataValue = data({
  name: 'ConsumerGroupPartitionMetadataValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    topics: array({
      topicId: uuid,
      topicName: string,
      numPartitions: int32,
      partitionMetadata: array({ partition: int32, racks: array(string) }),
    }),
  },
})

export const ConsumerGroupMemberMetadataKey = data({
  name: 'ConsumerGroupMemberMetadataKey',
  versions: [5, 5],
  flexible: Infinity,
  fields: {
    groupId: string,
    memberId: string,
  },
})

export const ConsumerGroupMemberMetadataValue = data({
  name: 'ConsumerGroupMemberMetadataValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    instanceId: nullable(string),
    rackId: nullable(string),
    clientId: string,
    clientHost: string,
    subscribedTopicNames: array(string),
    subscribedTopicRegex: nullable(string),
    rebalanceTimeoutMs: preset(int32, -1),
    serverAssignor: nullable(string),
    classicMemberMetadata: tagged(
      0,
      preset(
        nullable(
          struct({
            sessionTimeoutMs: int32,
            supportedProtocols: array({ name: string, metadata: bytes }),
          }),
        ),
        null,
      ),
    ),
  },
})

export const ConsumerGroupTargetAssignmentMetadataKey = data({
  name: 'ConsumerGroupTargetAssignmentMetadataKey',
  versions: [6, 6],
  flexible: Infinity,
  fields: {
    groupId: string,
  },
})

export const ConsumerGroupTargetAssignmentMetadataValue = data({
  name: 'ConsumerGroupTargetAssignmentMetadataValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    assignmentEpoch: int32,
  },
})

export const ConsumerGroupTargetAssignmentMemberKey = data({
  name: 'ConsumerGroupTargetAssignmentMemberKey',
  versions: [7, 7],
  flexible: Infinity,
  fields: {
    groupId: string,
    memberId: string,
  },
})

export const ConsumerGroupTargetAssignmentMemberValue = data({
  name: 'ConsumerGroupTargetAssignmentMemberValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    topicPartitions: array({ topicId: uuid, partitions: array(int32) }),
  },
})

export const ConsumerGroupCurrentMemberAssignmentKey = data({
  name: 'ConsumerGroupCurrentMemberAssignmentKey',
  versions: [8, 8],
  flexible: Infinity,
  fields: {
    groupId: string,
    memberId: string,
  },
})

export const ConsumerGroupCurrentMemberAssignmentValue = data({
  name: 'ConsumerGroupCurrentMemberAssignmentValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    memberEpoch: int32,
    previousMemberEpoch: int32,
    state: int8,
    assignedPartitions: array(ownedPartitions),
    partitionsPendingRevocation: array(ownedPartitions),
  },
})

export const ConsumerGroupRegularExpressionKey = data({
  name: 'ConsumerGroupRegularExpressionKey',
  versions: [16, 16],
  flexible: Infinity,
  fields: {
    groupId: string,
    regularExpression: string,
  },
})

export const ConsumerGroupRegularExpressionValue = data({
  name: 'ConsumerGroupRegularExpressionValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    topics: array(string),
    version: int64,
    timestamp: int64,
  },
})
