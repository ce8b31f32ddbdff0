/**
 * Who may write to partitions in a transaction. A batch is checked and handed to the log in one turn, and whoever decides about the
 * transaction does so before or after it: the marker of a transaction comes behind all of its batches.
 *
 * With Produce from version 12 on partitions join by being written to (KIP-890); earlier they must have joined.
 */
import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { ProducerIdentity } from './transaction.ts'
import type { NamedPartition } from './transaction-partitions.ts'
import type { Transactions } from './transactions.ts'

/** What wants to be written. All are of one producer. */
export interface Entry extends ProducerIdentity {
  readonly id: string
  readonly partitions: readonly NamedPartition[]
}

/** The first versions of a request that know TRANSACTION_ABORTABLE, and by which partitions join. */
export interface RequestAge {
  readonly apiVersion: number
  readonly abortableSince: number
  readonly joinsSince: number
}

export const produceAge = (apiVersion: number): RequestAge => ({ apiVersion, abortableSince: 11, joinsSince: 12 })
export const offsetCommitAge = (apiVersion: number): RequestAge => ({ apiVersion, abortableSince: 4, joinsSince: 5 })

const { NONE, CONCURRENT_TRANSACTIONS } = ErrorCodes

/** Where partitions join by being written to, nobody can leave it out. */
export const isLookedAt = ({ verifiesPartitions }: Transactions, { apiVersion, joinsSince }: RequestAge): boolean =>
  verifiesPartitions || apiVersion >= joinsSince

/** What must be waited for before it is looked at; undefined: nothing. Resolves with why nothing of it may be written. */
export function entrance(transactions: Transactions, entry: Entry, age: RequestAge): Promise<ErrorCode> | undefined {
  const { id } = entry
  if (isIn(transactions, entry)) return undefined
  if (age.apiVersion >= age.joinsSince) return transactions.join(id, joining(entry)).then(({ error }) => error)
  return transactions.isQuiet(id) ? undefined : transactions.quiet(id)
}

/**
 * The same for what is written while the record that it joins is written, too: undefined when that is not possible. Resolves with why
 * it does not count, before which it must not be answered.
 */
export function entranceAlong(
  transactions: Transactions,
  entry: Entry,
  age: RequestAge,
): Promise<ErrorCode> | undefined {
  if (age.apiVersion < age.joinsSince || isIn(transactions, entry)) return undefined
  return transactions.joinNow(entry.id, joining(entry))
}

/** Nothing is to be waited for. */
const isIn = (transactions: Transactions, entry: Entry): boolean =>
  transactions.isQuiet(entry.id) &&
  entry.partitions.every(each => transactions.membership(entry.id, entry, each) === NONE)

const joining = ({ producerId, epoch, partitions }: Entry) =>
  ({ producerId, epoch, partitions, clientVersion: 2 }) as const

/** The code a client of this age knows for what the coordinator says about its batch. */
export function entranceError(error: ErrorCode, { apiVersion, abortableSince, joinsSince }: RequestAge): ErrorCode {
  switch (error) {
    case ErrorCodes.PRODUCER_FENCED:
      return ErrorCodes.INVALID_PRODUCER_EPOCH
    case ErrorCodes.TRANSACTION_ABORTABLE:
      return apiVersion >= abortableSince ? error : ErrorCodes.INVALID_TXN_STATE
    case CONCURRENT_TRANSACTIONS:
      return apiVersion >= joinsSince ? error : retriable
    case ErrorCodes.COORDINATOR_LOAD_IN_PROGRESS:
    case ErrorCodes.COORDINATOR_NOT_AVAILABLE:
      return retriable
    default:
      return error
  }
}

/** Every client tries again, without asking for metadata first. */
const retriable = ErrorCodes.NOT_ENOUGH_REPLICAS
