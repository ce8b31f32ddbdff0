import { api } from '../api.ts'
import { array, bigint64, bool, int8, int16, int32, since, string } from '../schema.ts'

/** The transaction coordinator tells the leaders of partitions how a transaction ended. */
export const WriteTxnMarkers = api({
  key: 27,
  name: 'WriteTxnMarkers',
  versions: [1, 2],
  flexible: 1,
  request: {
    markers: array({
      producerId: bigint64,
      producerEpoch: int16,
      transactionResult: bool,
      topics: array({ name: string, partitionIndexes: array(int32) }),
      coordinatorEpoch: int32,
      transactionVersion: since(2, int8, 0), // KIP-1228
    }),
  },
  response: {
    markers: array({
      producerId: bigint64,
      topics: array({
        name: string,
        partitions: array({ partitionIndex: int32, errorCode: int16 }),
      }),
    }),
  },
})
