import { data } from '../message.ts'
import { array, bigint64, int8, int32, nullable, string, uuid } from '../schema.ts'

/** Share groups (`__consumer_offsets`, KIP-932): the group, its members, their assignments, and which partitions have share state. */

const topicPartitions = { topicId: uuid, partitions: array(int32) }
const topicPartitionsInfo = { topicId: uuid, topicName: string, partitions: array(int32) }
const topicInfo = { topicId: uuid, topicName: string }

export const ShareGroupMemberMetadataKey = data({
  name: 'ShareGroupMemberMetadataKey',
  versions: [10, 10],
  flexible: Infinity,
  fields: {
    groupId: string,
    memberId: string,
  },
})

export const ShareGroupMemberMetadataValue = data({
  name: 'ShareGroupMemberMetadataValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    rackId: nullable(string),
    clientId: string,
    clientHost: string,
    subscribedTopicNames: array(string),
  },
})

export const ShareGroupMetadataKey = data({
  name: 'ShareGroupMetadataKey',
  versions: [11, 11],
  flexible: Infinity,
  fields: {
    groupId: string,
  },
})

export const ShareGroupMetadataValue = data({
  name: 'ShareGroupMetadataValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    epoch: int32,
    metadataHash: bigint64,
  },
})

export const ShareGroupTargetAssignmentMetadataKey = data({
  name: 'ShareGroupTargetAssignmentMetadataKey',
  versions: [12, 12],
  flexible: Infinity,
  fields: {
    groupId: string,
  },
})

export const ShareGroupTargetAssignmentMetadataValue = data({
  name: 'ShareGroupTargetAssignmentMetadataValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    assignmentEpoch: int32,
  },
})

export const ShareGroupTargetAssignmentMemberKey = data({
  name: 'ShareGroupTargetAssignmentMemberKey',
  versions: [13, 13],
  flexible: Infinity,
  fields: {
    groupId: string,
    memberId: string,
  },
})

export const ShareGroupTargetAssignmentMemberValue = data({
  name: 'ShareGroupTargetAssignmentMemberValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    topicPartitions: array({ topicId: uuid, partitions: array(int32) }),
  },
})

export const ShareGroupCurrentMemberAssignmentKey = data({
  name: 'ShareGroupCurrentMemberAssignmentKey',
  versions: [14, 14],
  flexible: Infinity,
  fields: {
    groupId: string,
    memberId: string,
  },
})

export const ShareGroupCurrentMemberAssignmentValue = data({
  name: 'ShareGroupCurrentMemberAssignmentValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    memberEpoch: int32,
    previousMemberEpoch: int32,
    state: int8,
    assignedPartitions: array(topicPartitions),
  },
})

export const ShareGroupStatePartitionMetadataKey = data({
  name: 'ShareGroupStatePartitionMetadataKey',
  versions: [15, 15],
  flexible: Infinity,
  fields: {
    groupId: string,
  },
})

export const ShareGroupStatePartitionMetadataValue = data({
  name: 'ShareGroupStatePartitionMetadataValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    initializingTopics: array(topicPartitionsInfo),
    initializedTopics: array(topicPartitionsInfo),
    deletingTopics: array(topicInfo),
  },
})
