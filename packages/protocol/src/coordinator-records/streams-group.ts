import { data } from '../message.ts'
import { array, bigint64, int8, int16, int32, nullable, preset, string, struct, tagged, uint16 } from '../schema.ts'

/** Streams groups (`__consumer_offsets`, KIP-1071): the group, its topology, its members, and the tasks they shall have and have. */

const lastAssignmentConfig = { key: string, value: string }
const endpoint = { host: string, port: uint16 }
const keyValue = { key: string, value: string }
const taskIds = { subtopologyId: string, partitions: array(int32) }
const ownedTaskIds = { ...taskIds, assignmentEpochs: tagged(0, preset(nullable(array(int32)), null)) }
const topicConfig = { key: string, value: string }

const topicInfo = {
  name: string,
  partitions: int32,
  replicationFactor: int16,
  topicConfigs: array(topicConfig),
}

export const StreamsGroupMetadataKey = data({
  name: 'StreamsGroupMetadataKey',
  versions: [17, 17],
  flexible: Infinity,
  fields: {
    groupId: string,
  },
})

export const StreamsGroupMetadataValue = data({
  name: 'StreamsGroupMetadataValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    epoch: int32,
    metadataHash: bigint64,
    validatedTopologyEpoch: tagged(0, preset(int32, -1)),
    lastAssignmentConfigs: tagged(1, preset(nullable(array(lastAssignmentConfig)), null)),
  },
})

export const StreamsGroupMemberMetadataKey = data({
  name: 'StreamsGroupMemberMetadataKey',
  versions: [19, 19],
  flexible: Infinity,
  fields: {
    groupId: string,
    memberId: string,
  },
})

export const StreamsGroupMemberMetadataValue = data({
  name: 'StreamsGroupMemberMetadataValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    instanceId: nullable(string),
    rackId: nullable(string),
    clientId: string,
    clientHost: string,
    rebalanceTimeoutMs: preset(int32, -1),
    topologyEpoch: int32,
    processId: string,
    userEndpoint: preset(nullable(struct(endpoint)), null),
    clientTags: array(keyValue),
  },
})

export const StreamsGroupTargetAssignmentMetadataKey = data({
  name: 'StreamsGroupTargetAssignmentMetadataKey',
  versions: [20, 20],
  flexible: Infinity,
  fields: {
    groupId: string,
  },
})

export const StreamsGroupTargetAssignmentMetadataValue = data({
  name: 'StreamsGroupTargetAssignmentMetadataValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    assignmentEpoch: int32,
  },
})

export const StreamsGroupTargetAssignmentMemberKey = data({
  name: 'StreamsGroupTargetAssignmentMemberKey',
  versions: [21, 21],
  flexible: Infinity,
  fields: {
    groupId: string,
    memberId: string,
  },
})

export const StreamsGroupTargetAssignmentMemberValue = data({
  name: 'StreamsGroupTargetAssignmentMemberValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    activeTasks: array(taskIds),
    standbyTasks: array(taskIds),
    warmupTasks: array(taskIds),
  },
})

export const StreamsGroupCurrentMemberAssignmentKey = data({
  name: 'StreamsGroupCurrentMemberAssignmentKey',
  versions: [22, 22],
  flexible: Infinity,
  fields: {
    groupId: string,
    memberId: string,
  },
})

export const StreamsGroupCurrentMemberAssignmentValue = data({
  name: 'StreamsGroupCurrentMemberAssignmentValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    memberEpoch: int32,
    previousMemberEpoch: int32,
    state: int8,
    activeTasks: array(ownedTaskIds),
    standbyTasks: array(ownedTaskIds),
    warmupTasks: array(ownedTaskIds),
    activeTasksPendingRevocation: array(ownedTaskIds),
    standbyTasksPendingRevocation: array(ownedTaskIds),
    warmupTasksPendingRevocation: array(ownedTaskIds),
  },
})

export const StreamsGroupTopologyKey = data({
  name: 'StreamsGroupTopologyKey',
  versions: [23, 23],
  flexible: Infinity,
  fields: {
    groupId: string,
  },
})

export const StreamsGroupTopologyValue = data({
  name: 'StreamsGroupTopologyValue',
  versions: [0, 0],
  flexible: 0,
  fields: {
    epoch: int32,
    subtopologies: array({
      subtopologyId: string,
      sourceTopics: array(string),
      sourceTopicRegex: array(string),
      stateChangelogTopics: array(topicInfo),
      repartitionSinkTopics: array(string),
      repartitionSourceTopics: array(topicInfo),
      copartitionGroups: array({
        sourceTopics: array(int16),
        sourceTopicRegex: array(int16),
        repartitionSourceTopics: array(int16),
      }),
    }),
  },
})
