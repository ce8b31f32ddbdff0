import { api } from '../api.ts'
import { array, int16, int32, nullable, preset, since, string, struct, uuid } from '../schema.ts'

const topicPartitions = { topicId: uuid, partitions: array(int32) }

/**
 * The whole conversation of a member with a group of the new protocol: joining, staying, getting and giving up partitions, leaving
 * (KIP-848).
 */
export const ConsumerGroupHeartbeat = api({
  key: 68,
  name: 'ConsumerGroupHeartbeat',
  versions: [0, 1],
  flexible: 0,
  request: {
    groupId: string,
    memberId: string,
    memberEpoch: int32, // 0 joins, -1 leaves, -2 leaves for a while (static members)
    instanceId: preset(nullable(string), null),
    rackId: preset(nullable(string), null),
    rebalanceTimeoutMs: preset(int32, -1),
    subscribedTopicNames: preset(nullable(array(string)), null),
    subscribedTopicRegex: since(1, nullable(string), null), // RE2, resolved by the broker
    serverAssignor: preset(nullable(string), null),
    // what the member owns; null: unchanged
    topicPartitions: preset(nullable(array({ topicId: uuid, partitions: array(int32) })), null),
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    errorCode: int16,
    errorMessage: preset(nullable(string), null),
    memberId: preset(nullable(string), null),
    memberEpoch: int32,
    heartbeatIntervalMs: int32,
    // null: unchanged
    assignment: preset(nullable(struct({ topicPartitions: array(topicPartitions) })), null),
  },
})
