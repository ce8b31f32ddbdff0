import type { CoordinatorLog } from '../coordinator-log/coordinator-log.ts'
import type { Transaction } from './transaction.ts'
import type { TransactionImage } from './transaction-image.ts'
import type { TransactionRecord } from './transaction-records.ts'

export type TransactionLog = CoordinatorLog<TransactionRecord, TransactionImage>

/**
 * What is true of each transactional id: what the log says, or what is ahead of it. Two steps may be ahead: that every marker of an end
 * is written, and that partitions have joined whose batches already stand in their logs. After a crash both are found in the partitions.
 */
export class TransactionView {
  readonly #log: TransactionLog
  /** Valid while the log still says what it was put over. */
  readonly #ahead = new Map<string, { over: Transaction | undefined; transaction: Transaction }>()

  constructor(log: TransactionLog) {
    this.#log = log
  }

  stored(id: string): Transaction | undefined {
    return this.#log.image(id).transactions.get(id)
  }

  get(id: string): Transaction | undefined {
    const stored = this.stored(id)
    const ahead = this.#ahead.get(id)
    return ahead !== undefined && ahead.over === stored ? ahead.transaction : stored
  }

  isAhead(id: string): boolean {
    const ahead = this.#ahead.get(id)
    return ahead !== undefined && ahead.over === this.stored(id)
  }

  advance(transaction: Transaction): void {
    this.#ahead.set(transaction.id, { over: this.stored(transaction.id), transaction })
  }

  /** The log has caught up. */
  caughtUp(id: string): void {
    this.#ahead.delete(id)
  }

  /** A record in a partition that its key does not belong to (the topic was enlarged, which older releases allowed) is passed over. */
  *all(): Iterable<Transaction> {
    for (const { transactions } of this.#log.images())
      for (const id of transactions.keys()) {
        const transaction = this.get(id)
        if (transaction !== undefined) yield transaction
      }
  }
}
