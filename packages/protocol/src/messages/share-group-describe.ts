import { api } from '../api.ts'
import { array, bool, int16, int32, nullable, preset, string, struct, uuid } from '../schema.ts'

const topicPartitions = { topicId: uuid, topicName: string, partitions: array(int32) }
const assignment = { topicPartitions: array(topicPartitions) }

/** Share groups with their members and assignments (KIP-932). */
export const ShareGroupDescribe = api({
  key: 77,
  name: 'ShareGroupDescribe',
  versions: [1, 1],
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
      assignorName: string,
      members: array({
        memberId: string,
        rackId: preset(nullable(string), null),
        memberEpoch: int32,
        clientId: string,
        clientHost: string,
        subscribedTopicNames: array(string),
        assignment: struct(assignment),
      }),
      authorizedOperations: preset(int32, -0x8000_0000),
    }),
  },
})
