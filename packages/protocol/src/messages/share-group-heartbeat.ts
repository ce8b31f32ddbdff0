import { api } from '../api.ts'
import { array, int16, int32, nullable, preset, string, struct, uuid } from '../schema.ts'

const topicPartitions = { topicId: uuid, partitions: array(int32) }

/** The conversation of a member with a share group (KIP-932). */
export const ShareGroupHeartbeat = api({
  key: 76,
  name: 'ShareGroupHeartbeat',
  versions: [1, 1],
  flexible: 0,
  request: {
    groupId: string,
    memberId: string,
    memberEpoch: int32,
    rackId: preset(nullable(string), null),
    subscribedTopicNames: preset(nullable(array(string)), null),
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    errorCode: int16,
    errorMessage: preset(nullable(string), null),
    memberId: preset(nullable(string), null),
    memberEpoch: int32,
    heartbeatIntervalMs: int32,
    assignment: preset(nullable(struct({ topicPartitions: array(topicPartitions) })), null),
  },
})
