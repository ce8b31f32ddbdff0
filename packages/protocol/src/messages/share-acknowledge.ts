import { api } from '../api.ts'
import { array, bool, int8, int16, int32, int64, nullable, preset, since, string, struct, uuid } from '../schema.ts'

/** Acknowledges records acquired with ShareFetch: accept, release, reject or, since version 2, renew (KIP-932, KIP-1222). */
export const ShareAcknowledge = api({
  key: 79,
  name: 'ShareAcknowledge',
  versions: [1, 2],
  flexible: 0,
  request: {
    groupId: preset(nullable(string), null),
    memberId: nullable(string),
    shareSessionEpoch: int32,
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
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    errorCode: int16,
    errorMessage: preset(nullable(string), null),
    acquisitionLockTimeoutMs: since(2, int32, 0),
    responses: array({
      topicId: uuid,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        errorMessage: preset(nullable(string), null),
        currentLeader: struct({ leaderId: int32, leaderEpoch: int32 }),
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
