import { api } from '../api.ts'
import {
  array,
  bool,
  int8,
  int16,
  int32,
  int64,
  nullable,
  preset,
  records,
  since,
  string,
  struct,
  uuid,
} from '../schema.ts'

/** Acquires records for a member of a share group, and acknowledges earlier ones (KIP-932). */
export const ShareFetch = api({
  key: 78,
  name: 'ShareFetch',
  versions: [1, 2],
  flexible: 0,
  request: {
    groupId: preset(nullable(string), null),
    memberId: nullable(string),
    shareSessionEpoch: int32, // 0 begins a session, -1 ends it
    maxWaitMs: int32,
    minBytes: int32,
    maxBytes: preset(int32, 0x7fff_ffff),
    maxRecords: int32,
    batchSize: int32,
    shareAcquireMode: since(2, int8, 0), // 0 optimized for batches, 1 strict limit of records, KIP-1206
    isRenewAck: since(2, bool, false), // KIP-1222
    topics: array({
      topicId: uuid,
      partitions: array({
        partitionIndex: int32,
        acknowledgementBatches: array({
          firstOffset: int64,
          lastOffset: int64,
          acknowledgeTypes: array(int8), // 0 gap, 1 accept, 2 release, 3 reject, 4 renew
        }),
      }),
    }),
    forgottenTopicsData: array({ topicId: uuid, partitions: array(int32) }),
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    errorCode: int16,
    errorMessage: preset(nullable(string), null),
    acquisitionLockTimeoutMs: int32,
    responses: array({
      topicId: uuid,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        errorMessage: preset(nullable(string), null),
        acknowledgeErrorCode: int16,
        acknowledgeErrorMessage: preset(nullable(string), null),
        currentLeader: struct({ leaderId: int32, leaderEpoch: int32 }),
        records: records,
        acquiredRecords: array({ firstOffset: int64, lastOffset: int64, deliveryCount: int16 }),
      }),
    }),
    nodeEndpoints: array({
      nodeId: int32,
      host: string,
      port: int32,
      rack: preset(nullable(string), null),
    }),
  },
})
