/**
 * What the coordinator knows of a transactional id: who its producer is, and how far its transaction has come.
 *
 *             InitProducerId                    a partition joins              EndTxn, a timeout, a newer producer
 *     (none) ───────────────▶ Empty ─────────────────────────▶ Ongoing ──────────────────────────▶ PrepareCommit
 *                               ▲                                 ▲                                  PrepareAbort
 *                               │ InitProducerId                  │ a partition joins                     │ every marker is written
 *                               └──────────────────────────── CompleteCommit, CompleteAbort ◀─────────────┘
 *
 * A Prepare state in the log is the decision: nothing changes it any more, and the markers follow, after a crash too. Kafka's state
 * PrepareEpochFence is here part of the step to PrepareAbort, and Dead is the absence of a record; both are only names.
 *
 * Values are replaced, never changed.
 */
import type { Outcome } from '../coordinator-log/record-kind.ts'
import type { TransactionPartitions } from './transaction-partitions.ts'

export const transactionStates = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
  'Dead',
  'PrepareEpochFence',
] as const

/** In the order of their numbers in `__transaction_state`. */
export type TransactionState = (typeof transactionStates)[number]

/** Whether the client lets the epoch rise at every end (KIP-890), or uses one epoch for many transactions. */
export type ClientVersion = 0 | 1 | 2

export interface ProducerIdentity {
  readonly producerId: bigint
  readonly epoch: number
}

export interface Transaction extends ProducerIdentity {
  readonly id: string
  readonly state: TransactionState
  /** Of a producer whose epochs were used up; -1n: it never happened. */
  readonly previousProducerId: bigint
  /** What the producer goes on with once its transaction is complete, since its epochs are used up; -1n: what it has. */
  readonly nextProducerId: bigint
  /** The epoch the producer had before its last rise, so that a repeated request is known; -1: a producer before it was fenced. Not stored. */
  readonly lastEpoch: number
  readonly timeoutMs: number
  /** Of the open transaction; empty when there is none. */
  readonly partitions: TransactionPartitions
  /** Wall time; -1 while there is no transaction. */
  readonly startedAt: number
  readonly updatedAt: number
  readonly clientVersion: ClientVersion
  /** The end of the transaction before this one, while not every marker of it is known to be written. */
  readonly earlier?: EarlierEnd | undefined
}

export interface EarlierEnd {
  readonly outcome: Outcome
  readonly partitions: TransactionPartitions
}

export const noProducerId = -1n
export const noEpoch = -1
/** No client is given the highest epoch: it is the fence before which the last transaction is aborted. */
export const lastClientEpoch = 32_766
export const highestEpoch = 32_767

/** Its next epoch would be one that no client is given: it needs another producer id. Below 0: what an overflow left in a log of 0.4.0. */
export const isUsedUp = ({ epoch }: ProducerIdentity): boolean => epoch >= lastClientEpoch || epoch < 0

/** Of markers: batches of the transaction that come later are fenced. */
export const raised = (epoch: number): number => Math.min(epoch + 1, highestEpoch)

export const isEnding = ({ state }: Transaction): boolean => state === 'PrepareCommit' || state === 'PrepareAbort'

/** How a transaction that has its decision ends, or ended. */
export function outcomeOf({ state }: Transaction): Outcome | undefined {
  if (state === 'PrepareCommit' || state === 'CompleteCommit') return 'commit'
  return state === 'PrepareAbort' || state === 'CompleteAbort' ? 'abort' : undefined
}

/** What a client is told at the end of a transaction: who it is from now on. */
export const nextIdentity = ({ producerId, epoch, nextProducerId }: Transaction): ProducerIdentity =>
  nextProducerId === noProducerId ? { producerId, epoch } : { producerId: nextProducerId, epoch: 0 }
