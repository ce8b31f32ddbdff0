import { api } from '../api.ts'
import { array, bool, int8, int16, int32, int64, nullable, preset, string, struct, uint16 } from '../schema.ts'

const keyValue = { key: string, value: string }

const topicInfo = {
  name: string,
  partitions: int32,
  replicationFactor: int16,
  topicConfigs: array(keyValue),
}

const taskIds = { subtopologyId: string, partitions: array(int32) }
const endpoint = { host: string, port: uint16 }
const taskOffset = { subtopologyId: string, partition: int32, offset: int64 }
const status = { statusCode: int8, statusDetail: string }
const topicPartition = { topic: string, partitions: array(int32) }

/** The conversation of a member with a streams group: its topology, its tasks, the endpoints of the others (KIP-1071). */
export const StreamsGroupHeartbeat = api({
  key: 88,
  name: 'StreamsGroupHeartbeat',
  versions: [0, 0],
  flexible: 0,
  request: {
    groupId: string,
    memberId: string,
    memberEpoch: int32, // 0 joins, -1 leaves
    endpointInformationEpoch: int32,
    instanceId: preset(nullable(string), null),
    rackId: preset(nullable(string), null),
    rebalanceTimeoutMs: preset(int32, -1),
    topology: preset(
      nullable(
        struct({
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
        }),
      ),
      null,
    ),
    activeTasks: preset(nullable(array(taskIds)), null),
    standbyTasks: preset(nullable(array(taskIds)), null),
    warmupTasks: preset(nullable(array(taskIds)), null),
    processId: preset(nullable(string), null),
    userEndpoint: preset(nullable(struct(endpoint)), null),
    clientTags: preset(nullable(array(keyValue)), null),
    taskOffsets: preset(nullable(array(taskOffset)), null),
    taskEndOffsets: preset(nullable(array(taskOffset)), null),
    shutdownApplication: preset(bool, false),
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    errorCode: int16,
    errorMessage: preset(nullable(string), null),
    memberId: string,
    memberEpoch: int32,
    heartbeatIntervalMs: int32,
    acceptableRecoveryLag: int32,
    taskOffsetIntervalMs: int32,
    status: preset(nullable(array(status)), null),
    activeTasks: preset(nullable(array(taskIds)), null),
    standbyTasks: preset(nullable(array(taskIds)), null),
    warmupTasks: preset(nullable(array(taskIds)), null),
    endpointInformationEpoch: int32,
    partitionsByUserEndpoint: preset(
      nullable(
        array({
          userEndpoint: struct(endpoint),
          activePartitions: array(topicPartition),
          standbyPartitions: array(topicPartition),
        }),
      ),
      null,
    ),
  },
})
