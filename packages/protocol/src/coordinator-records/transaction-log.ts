import { data } from '../message.ts'
import { array, bigint64, int8, int16, int32, int64, nullable, since, string, tagged } from '../schema.ts'

/** The state of a transactional id (`__transaction_state`), written at each step of its transactions. */

export const TransactionLogKey = data({
  name: 'TransactionLogKey',
  versions: [0, 0],
  flexible: Infinity,
  fields: {
    transactionalId: string,
  },
})

export const TransactionLogValue = data({
  name: 'TransactionLogValue',
  versions: [0, 1],
  flexible: 1,
  fields: {
    producerId: bigint64,
    previousProducerId: tagged(0, since(1, bigint64, -1n)), // KIP-890
    nextProducerId: tagged(1, since(1, bigint64, -1n)),
    producerEpoch: int16,
    nextProducerEpoch: tagged(3, since(1, int16, -1)),
    transactionTimeoutMs: int32,
    // 0 empty, 1 ongoing, 2 prepare commit, 3 prepare abort, 4 complete commit, 5 complete abort, 6 dead, 7 prepare epoch fence
    transactionStatus: int8,
    transactionPartitions: nullable(array({ topic: string, partitionIds: array(int32) })), // null when nothing is open
    transactionLastUpdateTimestampMs: int64,
    transactionStartTimestampMs: int64,
    clientTransactionVersion: tagged(2, since(1, int16, 0)),
  },
})
