import { api } from '../api.ts'
import { array, bigint64, int16, int32, int64, nullable, preset, since, string } from '../schema.ts'

/** Commits offsets of a group as part of a transaction. */
export const TxnOffsetCommit = api({
  key: 28,
  name: 'TxnOffsetCommit',
  versions: [0, 5],
  flexible: 3,
  request: {
    transactionalId: string,
    groupId: string,
    producerId: bigint64,
    producerEpoch: int16,
    generationId: since(3, int32, -1), // lets the coordinator fence zombies, KIP-447
    memberId: since(3, string, ''),
    groupInstanceId: since(3, nullable(string), null),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        committedOffset: int64,
        committedLeaderEpoch: since(2, int32, -1), // KIP-320
        committedMetadata: nullable(string),
      }),
    }),
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    topics: array({
      name: string,
      partitions: array({ partitionIndex: int32, errorCode: int16 }),
    }),
  },
})
