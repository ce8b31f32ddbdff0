import { api } from '../api.ts'
import { array, int8, int16, int32, int64, preset, since, string } from '../schema.ts'

/**
 * Finds the offset of a timestamp in partitions. Negative timestamps are special: -1 latest, -2 earliest, -3 largest timestamp
 * (KIP-734), -4 earliest local (KIP-405), -5 latest tiered (KIP-1005).
 */
export const ListOffsets = api({
  key: 2,
  name: 'ListOffsets',
  versions: [1, 11],
  flexible: 6,
  request: {
    replicaId: int32, // -1 for consumers
    isolationLevel: since(2, int8, 0), // with 1, "latest" is the last stable offset
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        currentLeaderEpoch: since(4, int32, -1), // KIP-320
        timestamp: int64,
      }),
    }),
    timeoutMs: since(10, int32, 0), // for offsets in tiered storage, KIP-1075
  },
  response: {
    throttleTimeMs: since(2, int32, 0),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        timestamp: preset(int64, -1),
        offset: preset(int64, -1),
        leaderEpoch: since(4, int32, -1),
      }),
    }),
  },
})
