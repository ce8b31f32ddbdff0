import { data } from '../message.ts'
import { array, int8, int32, since, string, tagged } from '../schema.ts'
import { TransactionLogValue } from './transaction-log.ts'

/** TransactionLogValue with two fields of our own; Kafka and its tools pass over tags they do not know. */
export const StoredTransactionValue = data({
  name: 'StoredTransactionValue',
  versions: TransactionLogValue.versions,
  flexible: TransactionLogValue.flexibleFrom,
  fields: {
    ...TransactionLogValue.fields,
    // The end of the transaction before, while not every marker of it is known to be written. 0 none, 1 commit, 2 abort
    earlierEnd: tagged(10_000, since(1, int8, 0)),
    earlierPartitions: tagged(10_001, since(1, array({ topic: string, partitionIds: array(int32) }), [])),
  },
})
