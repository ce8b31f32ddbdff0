import { api } from '../api.ts'
import { array, bool, int16, int32, nullable, preset, string, struct, uuid } from '../schema.ts'

/** Topics and their partitions, page by page (KIP-966). */
export const DescribeTopicPartitions = api({
  key: 75,
  name: 'DescribeTopicPartitions',
  versions: [0, 0],
  flexible: 0,
  request: {
    topics: array({ name: string }),
    responsePartitionLimit: preset(int32, 2000),
    cursor: preset(nullable(struct({ topicName: string, partitionIndex: int32 })), null),
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    topics: array({
      errorCode: int16,
      name: nullable(string),
      topicId: uuid,
      isInternal: preset(bool, false),
      partitions: array({
        errorCode: int16,
        partitionIndex: int32,
        leaderId: int32,
        leaderEpoch: preset(int32, -1),
        replicaNodes: array(int32),
        isrNodes: array(int32),
        eligibleLeaderReplicas: preset(nullable(array(int32)), null),
        lastKnownElr: preset(nullable(array(int32)), null),
        offlineReplicas: array(int32),
      }),
      topicAuthorizedOperations: preset(int32, -0x8000_0000),
    }),
    nextCursor: preset(nullable(struct({ topicName: string, partitionIndex: int32 })), null),
  },
})
