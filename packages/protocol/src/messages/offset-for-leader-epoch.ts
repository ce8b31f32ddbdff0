import { api } from '../api.ts'
import { array, int16, int32, int64, preset, since, string } from '../schema.ts'

/** Where a leader epoch ended: how a client or follower finds out that its log and the leader's have parted (KIP-101, KIP-320). */
export const OffsetForLeaderEpoch = api({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  versions: [2, 4],
  flexible: 4,
  request: {
    replicaId: since(3, int32, -2), // -1 for consumers, -2 for a debugger
    topics: array({
      topic: string,
      partitions: array({
        partition: int32,
        currentLeaderEpoch: preset(int32, -1),
        leaderEpoch: int32,
      }),
    }),
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    topics: array({
      topic: string,
      partitions: array({
        errorCode: int16,
        partition: int32,
        leaderEpoch: preset(int32, -1),
        endOffset: preset(int64, -1), // where the epoch ended
      }),
    }),
  },
})
