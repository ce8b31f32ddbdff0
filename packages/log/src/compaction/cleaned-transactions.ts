/**
 * Transactions as compaction meets them, going through a log from its start: which batches belong to aborted ones, and which markers
 * have nothing left to say.
 *
 *     aborted:     D  D  ·  D  ABORT     data goes in the first pass; the marker may go in a later one
 *     committed:   D  D  ·  D  COMMIT    data goes as it is overwritten; the marker may go when all of it is gone
 *
 * A batch that was emptied but kept for its producer's sequence counts as data: without its marker, the transaction it belongs to would
 * seem open to whoever reads the log from the start.
 */
import type { AbortedTransaction } from '../producers/transactions.ts'

export class CleanedTransactions {
  /** By first offset; those that begin later than where we are. */
  readonly #coming: AbortedTransaction[]
  /** By producer: aborted, and we are within it. */
  readonly #aborted = new Map<bigint, AbortedTransaction>()
  /** Producers with a batch of the transaction we are within. */
  readonly #withData = new Set<bigint>()

  /** `aborted`: all that may have batches in what is to be cleaned. */
  constructor(aborted: readonly AbortedTransaction[]) {
    this.#coming = aborted.toSorted((a, b) => b.firstOffset - a.firstOffset)
  }

  /** A transactional batch of data: whether its transaction was aborted. */
  isAborted(batch: { producerId: bigint; baseOffset: number }): boolean {
    this.#begin(batch.baseOffset)
    this.#withData.add(batch.producerId)
    return this.#aborted.has(batch.producerId)
  }

  /** A marker: whether no batch of its transaction is left. */
  endsNothing(marker: { producerId: bigint; baseOffset: number }): boolean {
    this.#begin(marker.baseOffset)
    this.#aborted.delete(marker.producerId)
    return !this.#withData.delete(marker.producerId)
  }

  #begin(offset: number): void {
    while (this.#coming.length > 0 && this.#coming.at(-1)!.firstOffset <= offset) {
      const transaction = this.#coming.pop()!
      if (transaction.lastOffset >= offset) this.#aborted.set(transaction.producerId, transaction)
    }
  }
}
