import type { Image } from '../coordinator-log/record-kind.ts'
import type { Transaction } from './transaction.ts'
import type { TransactionRecord } from './transaction-records.ts'

/** The transactional ids of a shard of `__transaction_state`, as its records say. */
export class TransactionImage implements Image<TransactionRecord> {
  readonly transactions: Map<string, Transaction> = new Map()
  readonly #applied: (record: TransactionRecord) => void

  /** `applied` hears of everything that becomes durable, and while the log is read, of what was. */
  constructor(applied: (record: TransactionRecord) => void) {
    this.#applied = applied
  }

  apply(record: TransactionRecord): void {
    const { id, transaction } = record
    if (transaction === null) this.transactions.delete(id)
    else this.transactions.set(id, transaction)
    this.#applied(record)
  }
}
