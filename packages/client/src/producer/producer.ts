/**
 * Publishes records. `send` answers for one record, `sendAll` for many with one promise, `enqueue` and `sink` suit streams. All go
 * through one accumulator, so it makes no difference to the brokers which is used: records travel in batches.
 */
import { Writable } from 'node:stream'
import { UsageError } from '@odradek/protocol'
import { abandonable, abortWith } from '../cluster/abandon.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { sendChannel } from '../diagnostics.ts'
import { contractOf, type TopicRef } from '../topic.ts'
import { Accumulator } from './accumulator.ts'
import { type ProducerOptions, resolveProducerOptions } from './options.ts'
import { PromiseReceipt, type Receipt, SummaryReceipt } from './receipt.ts'
import type { Delivered, ProducerRecord, RecordFor, RecordMetadata } from './record.ts'
import { RecordEncoder } from './record-encoder.ts'

export interface SendOptions {
  /** Ends the waiting, not the record: one that has got a place in a batch may still be delivered. */
  readonly signal?: AbortSignal | undefined
}

export class Producer implements AsyncDisposable {
  readonly #cluster: Cluster
  readonly #accumulator: Accumulator
  readonly #contracts = new WeakMap<object, RecordEncoder>()
  readonly #names = new Map<string, RecordEncoder>()
  readonly #onClosed: (producer: Producer) => void
  readonly #hurry = new AbortController()
  #closing: Promise<void> | undefined

  constructor(cluster: Cluster, options: ProducerOptions = {}, onClosed: (producer: Producer) => void = () => {}) {
    this.#cluster = cluster
    this.#accumulator = new Accumulator(cluster, resolveProducerOptions(options))
    this.#onClosed = onClosed
  }

  /** Resolves when the record is as safe as `acks` asks for. Not awaiting each one is fine, and fast. */
  send<T extends TopicRef>(topic: T, record: RecordFor<T>, options?: SendOptions): Promise<RecordMetadata> {
    if (sendChannel.hasSubscribers) return this.#traced(topic, record, options?.signal)
    return this.#send(topic, record, options?.signal)
  }

  /** Sends what a list or a stream yields, never holding more than `bufferBytes` of it. Stops at the first failure and throws it. */
  async sendAll<T extends TopicRef>(
    topic: T,
    records: Iterable<RecordFor<T>> | AsyncIterable<RecordFor<T>>,
    { signal }: SendOptions = {},
  ): Promise<Delivered> {
    const summary = new SummaryReceipt()
    let sent = 0
    const one = (record: RecordFor<T>): void | Promise<void> => {
      signal?.throwIfAborted()
      this.#accept(this.#encoder(topic), record, this.#cluster.clock.now(), summary)
      sent++
      if (this.#accumulator.budget.isFull) return abandonable(this.ready, signal)
    }
    if (Symbol.asyncIterator in records) {
      for await (const record of records) {
        if (summary.error) break
        await one(record)
      }
    } else {
      for (const record of records) {
        if (summary.error) break
        const room = one(record)
        if (room) await room
      }
    }
    return abandonable(summary.done(sent), signal)
  }

  /**
   * Takes the record and answers at once: false when the buffer is full now, so await `ready` before the next. Failures of delivery
   * are thrown by the next `flush`.
   */
  enqueue<T extends TopicRef>(topic: T, record: RecordFor<T>): boolean {
    this.#accept(this.#encoder(topic), record, record?.timestamp ?? this.#cluster.clock.now(), undefined)
    return !this.#accumulator.budget.isFull
  }

  /** Resolves when the buffer has room. */
  get ready(): Promise<void> {
    const { budget } = this.#accumulator
    return budget.isFull ? new Promise(resolve => budget.wait(resolve)) : Promise.resolve()
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
          this.#accept(this.#encoder(topic), record, this.#cluster.clock.now(), summary)
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

  #send(topic: TopicRef, record: ProducerRecord<any, any>, signal: AbortSignal | undefined): Promise<RecordMetadata> {
    const timestamp = record?.timestamp ?? this.#cluster.clock.now()
    const receipt = new PromiseReceipt(timestamp)
    try {
      signal?.throwIfAborted()
      this.#accept(this.#encoder(topic), record, timestamp, receipt, signal)
    } catch (error) {
      return Promise.reject(error)
    }
    return signal ? abandonable(receipt.promise, signal) : receipt.promise
  }

  #traced(topic: TopicRef, record: ProducerRecord<any, any>, signal: AbortSignal | undefined): Promise<RecordMetadata> {
    const context = { topic: typeof topic === 'string' ? topic : topic.name, record: { ...record } }
    return sendChannel.tracePromise(() => this.#send(topic, context.record, signal), context)
  }

  #accept(
    encoder: RecordEncoder,
    record: ProducerRecord<any, any>,
    now: number,
    receipt: Receipt | undefined,
    signal?: AbortSignal,
  ): void {
    if (this.#closing) throw closedError()
    const { generation } = this.#accumulator
    const timestamp = record?.timestamp ?? now
    const isGone = signal && (() => signal.aborted)
    if (encoder.isAsync) {
      this.#acceptInTurn(encoder, record, timestamp, receipt, isGone)
      return
    }
    const pending = encoder.encode(record, timestamp, receipt, generation)
    generation.accepted()
    try {
      this.#accumulator.accept(pending, encoder.topic, isGone)
    } catch (error) {
      generation.settle(1)
      throw error
    }
  }

  #acceptInTurn(
    encoder: RecordEncoder,
    record: ProducerRecord<any, any>,
    timestamp: number,
    receipt: Receipt | undefined,
    isGone: (() => boolean) | undefined,
  ): void {
    const { generation } = this.#accumulator
    const accept = encoder.encodeInTurn(record, timestamp, receipt, generation, pending =>
      this.#accumulator.accept(pending, encoder.topic, isGone),
    )
    generation.accepted()
    accept.catch((error: Error) => {
      if (receipt) receipt.failed(error)
      else generation.failedUnseen(error)
      generation.settle(1)
    })
  }

  #encoder(topic: TopicRef): RecordEncoder {
    if (typeof topic === 'string') {
      let encoder = this.#names.get(topic)
      if (!encoder) this.#names.set(topic, (encoder = new RecordEncoder(contractOf(topic))))
      return encoder
    }
    let encoder = this.#contracts.get(topic)
    if (!encoder) this.#contracts.set(topic, (encoder = new RecordEncoder(topic)))
    return encoder
  }
}

function closedError(): UsageError {
  return new UsageError('the producer is closed: make a new one with kafka.producer()')
}
