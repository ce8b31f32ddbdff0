/** The records of `__transaction_state`, in Kafka's schema: a record per transactional id, written at each step; FORMAT.md has them. */
import {
  coordinatorRecordType,
  decodeCoordinatorRecord,
  encodeCoordinatorRecord,
  type RecordInput,
  TransactionLogKey,
  TransactionLogValue,
} from '@odradek/protocol'
import type { RecordKind } from '../coordinator-log/record-kind.ts'
import { type ClientVersion, noEpoch, type Transaction, transactionStates } from './transaction.ts'
import { byTopic, type NamedPartition, noPartitions, withPartitions } from './transaction-partitions.ts'

export interface TransactionRecord {
  readonly id: string
  /** Null: the id is forgotten. */
  readonly transaction: Transaction | null
}

const keyType = 0
const valueVersion = 1

export const transactionRecords: RecordKind<TransactionRecord> = {
  encode({ id, transaction }): RecordInput {
    return {
      key: encodeCoordinatorRecord(TransactionLogKey, keyType, { transactionalId: id }),
      value: transaction === null ? null : encodeValue(transaction),
    }
  },

  decode(key, value) {
    if (coordinatorRecordType(key) !== keyType) return null
    const { transactionalId: id } = decodeCoordinatorRecord(TransactionLogKey, key).value
    return { id, transaction: value === null ? null : decodeValue(id, value) }
  },
}

function encodeValue(transaction: Transaction): Uint8Array {
  const { partitions } = transaction
  return encodeCoordinatorRecord(TransactionLogValue, valueVersion, {
    producerId: transaction.producerId,
    previousProducerId: transaction.previousProducerId,
    nextProducerId: transaction.nextProducerId,
    producerEpoch: transaction.epoch,
    transactionTimeoutMs: transaction.timeoutMs,
    transactionStatus: transactionStates.indexOf(transaction.state),
    transactionPartitions:
      transaction.state === 'Empty'
        ? null
        : byTopic(partitions).map(({ topic, partitions: partitionIds }) => ({ topic, partitionIds })),
    transactionLastUpdateTimestampMs: transaction.updatedAt,
    transactionStartTimestampMs: transaction.startedAt,
    clientTransactionVersion: transaction.clientVersion,
  })
}

function decodeValue(id: string, bytes: Uint8Array): Transaction {
  const { value } = decodeCoordinatorRecord(TransactionLogValue, bytes)
  const named: NamedPartition[] = (value.transactionPartitions ?? []).flatMap(({ topic, partitionIds }) =>
    partitionIds.map(index => ({ topic, index })),
  )
  return {
    id,
    state: transactionStates[value.transactionStatus] ?? 'Dead',
    producerId: value.producerId,
    epoch: value.producerEpoch,
    previousProducerId: value.previousProducerId,
    nextProducerId: value.nextProducerId,
    lastEpoch: noEpoch,
    timeoutMs: value.transactionTimeoutMs,
    partitions: withPartitions(noPartitions, named),
    startedAt: value.transactionStartTimestampMs,
    updatedAt: value.transactionLastUpdateTimestampMs,
    clientVersion: value.clientTransactionVersion as ClientVersion,
  }
}
