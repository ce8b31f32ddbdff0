/** Batches of keyed records, transactional or not, and markers, for tests of compaction and transactions. */
import { encodeBatch, encodeControlBatch } from '@odradek/protocol'
import type { AppendBatch } from '../engine.ts'
import type { Outcome } from '../producers/transactions.ts'

/** Without a value: a tombstone. */
export interface KeyedRecord {
  readonly key: string
  readonly value: string | null
}

export interface KeyedBatchSpec {
  readonly partition?: number
  readonly records: readonly KeyedRecord[]
  readonly timestamp?: number
  readonly producerId?: bigint
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly transactional?: boolean
  readonly compression?: 'none' | 'gzip' | 'lz4'
}

export function keyedBatch({
  partition = 1,
  records,
  timestamp = 1000,
  producerId = -1n,
  producerEpoch = producerId < 0n ? -1 : 0,
  baseSequence = -1,
  transactional = false,
  compression = 'none',
}: KeyedBatchSpec): AppendBatch {
  const bytes = encodeBatch(
    records.map(record => ({ ...record, timestamp })),
    { producerId, producerEpoch, baseSequence, transactional, compression },
  )
  return {
    ...{ partition, bytes, recordCount: records.length, offsetCount: records.length, maxTimestamp: timestamp },
    ...{ producerId, producerEpoch, baseSequence, transactional, control: false },
  }
}

export interface MarkerSpec {
  readonly partition?: number
  readonly producerId: bigint
  readonly producerEpoch?: number
  readonly type: Outcome
  readonly timestamp?: number
  readonly coordinatorEpoch?: number
  readonly endsEarlierEpoch?: boolean
}

export function marker({
  partition = 1,
  producerId,
  producerEpoch = 0,
  type,
  timestamp = 1000,
  coordinatorEpoch = 0,
  endsEarlierEpoch = false,
}: MarkerSpec): AppendBatch {
  const bytes = encodeControlBatch({ producerId, producerEpoch, type, coordinatorEpoch, timestamp })
  return {
    ...{ partition, bytes, recordCount: 1, offsetCount: 1, maxTimestamp: timestamp },
    ...{ producerId, producerEpoch, baseSequence: -1, transactional: true, control: true },
    endsEarlierEpoch,
  }
}
