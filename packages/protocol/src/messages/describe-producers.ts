import { api } from '../api.ts'
import { array, bigint64, int16, int32, int64, nullable, preset, string } from '../schema.ts'

/** The idempotent and transactional producers that partitions remember (KIP-664). */
export const DescribeProducers = api({
  key: 61,
  name: 'DescribeProducers',
  versions: [0, 0],
  flexible: 0,
  request: {
    topics: array({ name: string, partitionIndexes: array(int32) }),
  },
  response: {
    throttleTimeMs: preset(int32, 0),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        errorMessage: preset(nullable(string), null),
        activeProducers: array({
          producerId: bigint64,
          producerEpoch: int32,
          lastSequence: preset(int32, -1),
          lastTimestamp: preset(int64, -1),
          coordinatorEpoch: int32,
          currentTxnStartOffset: preset(int64, -1),
        }),
      }),
    }),
  },
})
