import { api } from '../api.ts'
import { array, bool, int16, int32, int64, nullable, preset, string, struct, uint16 } from '../schema.ts'

const keyValue = { key: string, value: string }

const topicInfo = {
  name: string,
  partitions: int32,
  replicationFactor: int16,
  topicConfigs: array(keyValue),
}

const endpoint = { host: string, port: uint16 }
const taskOffset = { subtopologyId: string, partition: int32, offset: int64 }
const taskIds = { subtopologyId: string, partitions: array(int32) }
const assignment = { activeTasks: array(taskIds), standbyTasks: array(taskIds), warmupTasks: array(taskIds) }

/** Streams groups with their topology, members and tasks (KIP-1071). */
export const StreamsGroupDescribe = api({
  key: 89,
  name: 'StreamsGroupDescribe',
  versions: [0, 0],
  flexible: 0,
  request: {
    groupIds: array(string),
    includeAuthorizedOperations: bool,
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    groups: array({
      errorCode: int16,
      errorMessage: preset(nullable(string), null),
      groupId: string,
      groupState: string,
      groupEpoch: int32,
      assignmentEpoch: int32,
      topology: preset(
        nullable(
          struct({
            epoch: int32,
            subtopologies: preset(
              nullable(
                array({
                  subtopologyId: string,
                  sourceTopics: array(string),
                  repartitionSinkTopics: array(string),
                  stateChangelogTopics: array(topicInfo),
                  repartitionSourceTopics: array(topicInfo),
                }),
              ),
              null,
            ),
          }),
        ),
        null,
      ),
      members: array({
        memberId: string,
        memberEpoch: int32,
        instanceId: preset(nullable(string), null),
        rackId: preset(nullable(string), null),
        clientId: string,
        clientHost: string,
        topologyEpoch: int32,
        processId: string,
        userEndpoint: preset(nullable(struct(endpoint)), null),
        clientTags: array(keyValue),
        taskOffsets: array(taskOffset),
        taskEndOffsets: array(taskOffset),
        assignment: struct(assignment),
        targetAssignment: struct(assignment),
        isClassic: bool,
      }),
      authorizedOperations: preset(int32, -0x8000_0000),
    }),
  },
})
