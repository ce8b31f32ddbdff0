/** A transaction as the function that does its work sees it. Good for as long as that function runs. */
import { UsageError } from '@odradek/protocol'
import type { ConsumerRecord } from '../../consumer/consumer-record.ts'
import type { OffsetToCommit } from '../../consumer/engine.ts'
import { engineClaim, type OffsetClaim, type OffsetOwner } from '../../consumer/offset-claim.ts'
import { RecordBatch } from '../../consumer/record-batch.ts'
import type { TopicRef } from '../../topic.ts'
import type { Publisher, SendOptions } from '../publisher.ts'
import type { Receipt } from '../receipt.ts'
import type { Delivered, RecordFor, RecordMetadata } from '../record.ts'
import type { OpenTransaction } from './open-transaction.ts'

export class Transaction {
  readonly #open: OpenTransaction
  readonly #publisher: Publisher
  readonly #isOver: () => boolean

  constructor(open: OpenTransaction, publisher: Publisher, isOver: () => boolean) {
    this.#open = open
    this.#publisher = publisher
    this.#isOver = isOver
  }

  /** Aborts when the transaction is lost (a record could not be delivered, its time is over, …): what is done for it is in vain. */
  get signal(): AbortSignal {
    return this.#open.signal
  }

  /**
   * Resolves when the record is in its partition, where readers of committed records see it once the transaction is committed.
   * Need not be awaited: a record that cannot be delivered ends the transaction, and `transaction()` rejects.
   */
  send<T extends TopicRef>(topic: T, record: RecordFor<T>, options?: SendOptions): Promise<RecordMetadata> {
    const refusal = this.#refusal()
    return refusal ? this.#rejected(refusal) : this.#publisher.send(topic, record, options?.signal)
  }

  /** Sends what a list or a stream yields; see the producer's. */
  sendAll<T extends TopicRef>(
    topic: T,
    records: Iterable<RecordFor<T>> | AsyncIterable<RecordFor<T>>,
    options?: SendOptions,
  ): Promise<Delivered> {
    const refusal = this.#refusal()
    if (refusal) return this.#rejected(refusal)
    return this.#open.track(this.#publisher.sendAll(topic, records, options))
  }

  /**
   * Takes the record and answers at once: false when the buffer is full now, so await `ready` before the next. The receipt, which many
   * records may share, is told how it went. Throws when the transaction is over or lost.
   */
  enqueue<T extends TopicRef>(topic: T, record: RecordFor<T>, receipt?: Receipt): boolean {
    const refusal = this.#refusal()
    if (refusal) throw refusal
    return this.#publisher.enqueue(topic, record, receipt)
  }

  /** Resolves when the buffer has room. */
  get ready(): Promise<void> {
    return this.#publisher.ready
  }

  /**
   * Commits offsets with the transaction: of a batch, or those given (of the records to read next), for the group of their consumer.
   * The consumer does not commit them itself then. Of a transaction that is aborted the consumer hands out the batch again.
   */
  commitOffsets(batch: RecordBatch<ConsumerRecord>): Promise<void>
  commitOffsets(offsets: readonly OffsetToCommit[], owner: OffsetOwner): Promise<void>
  commitOffsets(what: RecordBatch<any> | readonly OffsetToCommit[], owner?: OffsetOwner): Promise<void> {
    let committing: Promise<void>
    try {
      if (this.#isOver()) throw over()
      committing = this.#open.track(this.#open.commitOffsets(claimOf(what, owner)))
    } catch (error) {
      return Promise.reject(error)
    }
    committing.catch(() => {}) // the transaction is lost with it, and says so
    return committing
  }

  #refusal(): Error | undefined {
    return this.#isOver() ? over() : this.#open.failure
  }

  /** Why the transaction is lost is told by `transaction()`, too. */
  #rejected(refusal: Error): Promise<never> {
    const rejected = Promise.reject(refusal)
    if (refusal === this.#open.failure) rejected.catch(() => {})
    return rejected
  }
}

function over(): UsageError {
  return new UsageError('the transaction is over: await what belongs to it before its function returns')
}

function claimOf(what: RecordBatch<any> | readonly OffsetToCommit[], owner: OffsetOwner | undefined): OffsetClaim {
  if (what instanceof RecordBatch) return what.claim()
  if (!Array.isArray(what))
    throw new UsageError(
      'commitOffsets takes a batch of a consumer, or a list of { topic, partition, offset } and the consumer',
    )
  if (!owner)
    throw new UsageError(
      'commitOffsets needs the consumer of these offsets: tx.commitOffsets([{ topic, partition, offset }], consumer)',
    )
  const wrong = what.find(({ offset }) => !Number.isSafeInteger(offset) || offset < 0)
  if (wrong) throw new UsageError(`${wrong.offset} is no offset: write the offset of the next record to process`)
  return 'claim' in owner ? owner.claim(what) : engineClaim(owner, what)
}
