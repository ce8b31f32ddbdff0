/**
 * Publishes records. `send` answers for one record, `sendAll` for many with one promise, `enqueue` and `sink` suit streams. All go
 * through one accumulator, so it makes no difference to the brokers which is used: records travel in batches.
 */
import { Writable } from 'node:stream'
import { UsageError } from '@odradek/protocol'
import { abandonable, abortWith } from '../cluster/abandon.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { TopicRef } from '../topic.ts'
import { Accumulator } from './accumulator.ts'
import { type ProducerOptions, resolveProducerOptions } from './options.ts'
import { Publisher, type SendOptions } from './publisher.ts'
import { LossReceipt, type Receipt, SummaryReceipt } from './receipt.ts'
import type { Delivered, RecordFor, RecordMetadata } from './record.ts'

export class Producer implements AsyncDisposable {
  readonly #cluster: Cluster
  readonly #accumulator: Accumulator
  readonly #publisher: Publisher
  readonly #onClosed: (producer: Producer) => void
  readonly #hurry = new AbortController()
  #closing: Promise<void> | undefined

  constructor(cluster: Cluster, options: ProducerOptions = {}, onClosed: (producer: Producer) => void = () => {}) {
    const { clock } = cluster
    this.#cluster = cluster
    this.#accumulator = new Accumulator(cluster, resolveProducerOptions(options))
    const refusal = () => (this.#closing ? closedError() : undefined)
    this.#publisher = new Publisher({ clock, accumulator: this.#accumulator, isTransactional: false, refusal })
    this.#onClosed = onClosed
  }

  /** Resolves when the record is as safe as `acks` asks for. Not awaiting each one is fine, and fast. */
  send<T extends TopicRef>(topic: T, record: RecordFor<T>, options?: SendOptions): Promise<RecordMetadata> {
    return this.#publisher.send(topic, record, options?.signal)
  }

  /** Sends what a list or a stream yields, never holding more than `bufferBytes` of it. Stops at the first failure and throws it. */
  sendAll<T extends TopicRef>(
    topic: T,
    records: Iterable<RecordFor<T>> | AsyncIterable<RecordFor<T>>,
    options?: SendOptions,
  ): Promise<Delivered> {
    return this.#publisher.sendAll(topic, records, options)
  }

  /**
   * Takes the record and answers at once: false when the buffer is full now, so await `ready` before the next. Failures of delivery
   * are thrown by the next `flush`, or told to `onLost`: a record that has one is then no failure of `flush`, which still waits for it.
   * A receipt, which many records may share, is told of deliveries, too.
   */
  enqueue<T extends TopicRef>(
    topic: T,
    record: RecordFor<T>,
    onLost?: ((error: Error) => void) | Receipt | undefined,
  ): boolean {
    return this.#publisher.enqueue(topic, record, typeof onLost === 'function' ? new LossReceipt(onLost) : onLost)
  }

  /** Resolves when the buffer has room. */
  get ready(): Promise<void> {
    return this.#publisher.ready
  }

  /** What `flush` would throw now: the first failure of an enqueued record. Undefined while all is well. */
  get failure(): Error | undefined {
    return this.#accumulator.failure
  }

  /** A stream to write records to, with backpressure: `await pipeline(source, producer.sink(orders))`. For the Web: `Writable.toWeb`. */
  sink<T extends TopicRef>(topic: T): Writable {
    const summary = new SummaryReceipt()
    let sent = 0
    return new Writable({
      objectMode: true,
      write: (record: RecordFor<T>, _, done) => {
        try {
          if (summary.error) throw summary.error
          this.#publisher.accept(topic, record, this.#cluster.clock.now(), summary)
        } catch (error) {
          return done(error as Error)
        }
        sent++
        if (this.#accumulator.budget.isFull) this.ready.then(() => done(), done)
        else done()
      },
      final: done => {
        summary.done(sent).then(() => done(), done)
      },
    })
  }

  /**
   * Resolves when every record given before the call has been delivered or has failed. Throws when one failed that nobody else
   * has been told of (see `enqueue`).
   */
  async flush({ signal }: SendOptions = {}): Promise<void> {
    const generations = await abandonable(this.#accumulator.flush(), signal)
    const unseen = generations.map(({ unreported }) => unreported).filter(failure => failure !== undefined)
    const [failure] = unseen
    if (!failure) return
    const count = unseen.reduce((sum, { count }) => sum + count, 0)
    if (count === 1) throw failure.first
    throw new AggregateError(
      [failure.first],
      `${count} records could not be delivered; the first: ${failure.first.message}`,
    )
  }

  /** Transactions need a producer with a `transactionalId`. */
  transaction(..._: never[]): never {
    throw new UsageError("transactions need a name: kafka.producer({ transactionalId: 'billing-1' })")
  }

  /** Flushes, then ends. With an aborted signal what has not been delivered by then fails. */
  close({ signal }: SendOptions = {}): Promise<void> {
    abortWith(this.#hurry, signal)
    this.#closing ??= this.#close({ signal: this.#hurry.signal })
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(options: SendOptions): Promise<void> {
    try {
      await this.flush(options)
    } finally {
      this.#accumulator.close(closedError())
      this.#onClosed(this)
    }
  }
}

function closedError(): UsageError {
  return new UsageError('the producer is closed: make a new one with kafka.producer()')
}
