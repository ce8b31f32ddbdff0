import { api } from '../api.ts'
import {
  array,
  int16,
  int32,
  int64,
  noId,
  nullable,
  preset,
  records,
  since,
  string,
  struct,
  tagged,
  until,
  uuid,
} from '../schema.ts'

/** Answered with NOT_LEADER_OR_FOLLOWER: who leads instead (KIP-951). */
const leader = { leaderId: preset(int32, -1), leaderEpoch: preset(int32, -1) }
const noLeader = { leaderId: -1, leaderEpoch: -1 }

/** Where the leaders named in such answers listen. */
const nodeEndpoint = { nodeId: int32, host: string, port: int32, rack: preset(nullable(string), null) }

/**
 * Appends record batches to partitions; one batch a partition. Answered after the leader wrote (acks 1) or all in-sync replicas
 * did (acks -1), and not at all with acks 0.
 */
export const Produce = api({
  key: 0,
  name: 'Produce',
  versions: [3, 13],
  flexible: 9,
  request: {
    transactionalId: preset(nullable(string), null), // null outside transactions, KIP-98
    acks: int16, // 0 none, 1 the leader, -1 all in-sync replicas
    timeoutMs: int32,
    topicData: array({
      name: until(12, string, ''),
      topicId: since(13, uuid, noId), // KIP-516
      partitionData: array({ index: int32, records: nullable(records) }),
    }),
  },
  response: {
    responses: array({
      name: until(12, string, ''),
      topicId: since(13, uuid, noId), // KIP-516
      partitionResponses: array({
        index: int32,
        errorCode: int16,
        baseOffset: int64,
        logAppendTimeMs: preset(int64, -1), // -1 unless message.timestamp.type is LogAppendTime
        logStartOffset: since(5, int64, -1), // KIP-207
        // which records were refused and why, KIP-467
        recordErrors: since(
          8,
          array({ batchIndex: int32, batchIndexErrorMessage: preset(nullable(string), null) }),
          [],
        ),
        errorMessage: since(8, nullable(string), null),
        currentLeader: tagged(0, since(10, struct(leader), noLeader)), // KIP-951
      }),
    }),
    throttleTimeMs: preset(int32, 0),
    nodeEndpoints: tagged(0, since(10, array(nodeEndpoint), [])), // KIP-951
  },
})
