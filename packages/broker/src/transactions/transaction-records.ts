/** The records of `__transaction_state`, in Kafka's schema: a record per transactional id, written at each step; FORMAT.md has them. */
import {
  coordinatorRecordType,
  decodeCoordinatorRecord,
  encodeCoordinatorRecord,
  type RecordInput,
  StoredTransactionValue,
  TransactionLogKey,
} from '@odradek/protocol'
import type { RecordKind } from '../coordinator-log/record-kind.ts'
import { type ClientVersion, type EarlierEnd, noEpoch, type Transaction, transactionStates } from './transaction.ts'
import { byTopic, noPartitions, type TransactionPartitions, withPartitions } from './transaction-partitions.ts'

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
  const { partitions, earlier } = transaction
  return encodeCoordinatorRecord(StoredTransactionValue, valueVersion, {
    producerId: transaction.producerId,
    previousProducerId: transaction.previousProducerId,
    nextProducerId: transaction.nextProducerId,
    producerEpoch: transaction.epoch,
    transactionTimeoutMs: transaction.timeoutMs,
    transactionStatus: transactionStates.indexOf(transaction.state),
    transactionPartitions: transaction.state === 'Empty' ? null : rowsOf(partitions),
    transactionLastUpdateTimestampMs: transaction.updatedAt,
    transactionStartTimestampMs: transaction.startedAt,
    clientTransactionVersion: transaction.clientVersion,
    earlierEnd: earlier === undefined ? 0 : earlier.outcome === 'commit' ? 1 : 2,
    earlierPartitions: earlier === undefined ? [] : rowsOf(earlier.partitions),
  })
}

type Row = { topic: string; partitionIds: number[] }

const rowsOf = (partitions: TransactionPartitions): Row[] =>
  byTopic(partitions).map(({ topic, partitions: partitionIds }) => ({ topic, partitionIds }))

const partitionsOf = (rows: readonly Row[]): TransactionPartitions =>
  withPartitions(
    noPartitions,
    rows.flatMap(({ topic, partitionIds }) => partitionIds.map(index => ({ topic, index }))),
  )

function decodeValue(id: string, bytes: Uint8Array): Transaction {
  const { value } = decodeCoordinatorRecord(StoredTransactionValue, bytes)
  return {
    id,
    state: transactionStates[value.transactionStatus] ?? 'Dead',
    producerId: value.producerId,
    epoch: value.producerEpoch,
    previousProducerId: value.previousProducerId,
    nextProducerId: value.nextProducerId,
    lastEpoch: noEpoch,
    timeoutMs: value.transactionTimeoutMs,
    partitions: partitionsOf(value.transactionPartitions ?? []),
    startedAt: value.transactionStartTimestampMs,
    updatedAt: value.transactionLastUpdateTimestampMs,
    clientVersion: value.clientTransactionVersion as ClientVersion,
    ...(value.earlierEnd === 0 ? {} : { earlier: earlierEnd(value.earlierEnd, value.earlierPartitions) }),
  }
}

const earlierEnd = (end: number, rows: readonly Row[]): EarlierEnd => ({
  outcome: end === 1 ? 'commit' : 'abort',
  partitions: partitionsOf(rows),
})
