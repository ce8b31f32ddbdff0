import { api } from '../api.ts'
import { array, between, bool, int16, int32, noId, nullable, since, string, uuid } from '../schema.ts'

/**
 * Which brokers there are, which topics, and who leads their partitions. Null topics means all of them, since version 1; in
 * version 0 an empty list does.
 */
export const Metadata = api({
  key: 3,
  name: 'Metadata',
  versions: [0, 13],
  flexible: 9,
  request: {
    // null: all topics
    topics: nullable(
      array({
        topicId: since(10, uuid, noId), // KIP-516
        name: nullable(string, 10), // null when asked by id
      }),
      1,
    ),
    allowAutoTopicCreation: since(4, bool, true), // KIP-204
    includeClusterAuthorizedOperations: between(8, 10, bool, false), // moved to DescribeCluster
    includeTopicAuthorizedOperations: since(8, bool, false), // KIP-430
  },
  response: {
    throttleTimeMs: since(3, int32, 0),
    brokers: array({
      nodeId: int32,
      host: string,
      port: int32,
      rack: since(1, nullable(string), null),
    }),
    clusterId: since(2, nullable(string), null), // KIP-78
    controllerId: since(1, int32, -1), // any broker will do under KRaft
    topics: array({
      errorCode: int16,
      name: nullable(string, 12),
      topicId: since(10, uuid, noId),
      isInternal: since(1, bool, false),
      partitions: array({
        errorCode: int16,
        partitionIndex: int32,
        leaderId: int32,
        leaderEpoch: since(7, int32, -1), // KIP-320
        replicaNodes: array(int32),
        isrNodes: array(int32),
        offlineReplicas: since(5, array(int32), []), // KIP-112
      }),
      topicAuthorizedOperations: since(8, int32, -0x8000_0000), // the minimum of int32 when not asked for, KIP-430
    }),
    // the minimum of int32 when not asked for, KIP-430
    clusterAuthorizedOperations: between(8, 10, int32, -0x8000_0000),
    errorCode: since(13, int16, 0), // REBOOTSTRAP_REQUIRED, KIP-1102
  },
})
