/** From what callers hand over to the accumulator, with somebody who is told how it went: what producers and transactions share. */
import type { UsageError } from '@odradek/protocol'
import type { Clock } from '@odradek/world'
import { abandonable } from '../cluster/abandon.ts'
import { sendChannel } from '../diagnostics.ts'
import { contractOf, type TopicRef } from '../topic.ts'
import type { Accumulator } from './accumulator.ts'
import { PromiseReceipt, type Receipt, SummaryReceipt, TransactionReceipt } from './receipt.ts'
import type { Delivered, ProducerRecord, RecordFor, RecordMetadata } from './record.ts'
import { RecordEncoder } from './record-encoder.ts'

export interface SendOptions {
  /** Ends the waiting, not the record: one that has got a place in a batch may still be delivered. */
  readonly signal?: AbortSignal | undefined
}

export interface PublisherOptions {
  readonly clock: Clock
  readonly accumulator: Accumulator
  /** Somebody else hears of every failure, so that a promise that nobody awaits may fail. */
  readonly isTransactional: boolean
  /** Why nothing is taken any more. */
  readonly refusal?: () => UsageError | undefined
}

export class Publisher {
  readonly #options: PublisherOptions
  readonly #accumulator: Accumulator
  readonly #contracts = new WeakMap<object, RecordEncoder>()
  readonly #names = new Map<string, RecordEncoder>()

  constructor(options: PublisherOptions) {
    this.#options = options
    this.#accumulator = options.accumulator
  }

  send(topic: TopicRef, record: ProducerRecord<any, any>, signal: AbortSignal | undefined): Promise<RecordMetadata> {
    if (sendChannel.hasSubscribers) return this.#traced(topic, record, signal)
    return this.#send(topic, record, signal)
  }

  async sendAll<T extends TopicRef>(
    topic: T,
    records: Iterable<RecordFor<T>> | AsyncIterable<RecordFor<T>>,
    { signal }: SendOptions = {},
  ): Promise<Delivered> {
    const summary = new SummaryReceipt()
    let sent = 0
    const one = (record: RecordFor<T>): void | Promise<void> => {
      signal?.throwIfAborted()
      this.accept(topic, record, this.#options.clock.now(), summary)
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

  /** Resolves when the buffer has room. */
  get ready(): Promise<void> {
    const { budget } = this.#accumulator
    return budget.isFull ? new Promise(resolve => budget.wait(resolve)) : Promise.resolve()
  }

  /** Takes a record without a promise; false when the buffer is full now. */
  enqueue(topic: TopicRef, record: ProducerRecord<any, any>, receipt: Receipt | undefined): boolean {
    this.accept(topic, record, record.timestamp ?? this.#options.clock.now(), receipt)
    return !this.#accumulator.budget.isFull
  }

  accept(
    topic: TopicRef,
    record: ProducerRecord<any, any>,
    now: number,
    receipt: Receipt | undefined,
    signal?: AbortSignal,
  ): void {
    const refusal = this.#options.refusal?.()
    if (refusal) throw refusal
    const encoder = this.#encoder(topic)
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

  #send(topic: TopicRef, record: ProducerRecord<any, any>, signal: AbortSignal | undefined): Promise<RecordMetadata> {
    const timestamp = record?.timestamp ?? this.#options.clock.now()
    const receipt = this.#options.isTransactional ? new TransactionReceipt(timestamp) : new PromiseReceipt(timestamp)
    try {
      signal?.throwIfAborted()
      this.accept(topic, record, timestamp, receipt, signal)
    } catch (error) {
      return Promise.reject(error)
    }
    return signal ? abandonable(receipt.promise, signal) : receipt.promise
  }

  #traced(topic: TopicRef, record: ProducerRecord<any, any>, signal: AbortSignal | undefined): Promise<RecordMetadata> {
    const context = { topic: typeof topic === 'string' ? topic : topic.name, record: { ...record } }
    return sendChannel.tracePromise(() => this.#send(topic, context.record, signal), context)
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
      if (receipt && error !== this.#accumulator.refusal) receipt.wrong(error)
      else if (receipt) receipt.failed(error)
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
