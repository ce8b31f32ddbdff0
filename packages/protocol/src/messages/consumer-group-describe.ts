import { api } from '../api.ts'
import { array, bool, int8, int16, int32, nullable, preset, since, string, struct, uuid } from '../schema.ts'

const topicPartitions = { topicId: uuid, topicName: string, partitions: array(int32) }
const assignment = { topicPartitions: array(topicPartitions) }

/** Groups of the new protocol with their members and assignments (KIP-848). */
export const ConsumerGroupDescribe = api({
  key: 69,
  name: 'ConsumerGroupDescribe',
  versions: [0, 1],
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
        instanceId: preset(nullable(string), null),
        rackId: preset(nullable(string), null),
        memberEpoch: int32,
        clientId: string,
        clientHost: string,
        subscribedTopicNames: array(string),
        subscribedTopicRegex: preset(nullable(string), null),
        assignment: struct(assignment),
        targetAssignment: struct(assignment),
        memberType: since(1, int8, -1),
      }),
      authorizedOperations: preset(int32, -0x8000_0000),
    }),
  },
})
