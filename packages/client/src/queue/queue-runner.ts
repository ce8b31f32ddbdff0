/**
 * A handler, called for many records at once. What returns is acknowledged, what throws is released or rejected, as told; what the
 * handler has settled itself stays so. When `onError` throws the record is released, and the run ends with that. The lock of a record is
 * renewed while its handler works, where the broker offers it.
 */
import { UsageError } from '@odradek/protocol'
import type { Clock } from '@odradek/world'
import { notNegative, oneOf, shown } from '../options.ts'
import { AckType } from './acknowledgement.ts'
import type { Delivery } from './delivery.ts'
import type { QueueRecord } from './queue-record.ts'
import type { Stock } from './stock.ts'

export type QueueHandler<R> = (record: R, context: { readonly signal: AbortSignal }) => void | Promise<void>

export type Failed = 'release' | 'reject'

export interface QueueRunOptions<R = QueueRecord> {
  /** Default 1: handlers under way at once. */
  readonly concurrency?: number
  /** Default 'release': what becomes of a record whose handler throws. A function decides, and hears of the error. */
  readonly onError?: Failed | ((error: unknown, record: R) => Failed)
  /** Default 300,000: so long the lock of a record is renewed while its handler works; then it passes, and others get the record. */
  readonly renewForMs?: number
  /** Ends the run: handlers under way are finished, and `run` resolves. */
  readonly signal?: AbortSignal
}

export interface QueueRunnerHost<R> {
  readonly clock: Clock
  readonly stock: Stock
  readonly handOut: (delivery: Delivery) => R | Promise<R>
}

export class QueueRunner<R> {
  readonly concurrency: number
  readonly #handler: QueueHandler<R>
  readonly #host: QueueRunnerHost<R>
  readonly #onError: NonNullable<QueueRunOptions<R>['onError']>
  readonly #renewForMs: number
  readonly #signal: AbortSignal | undefined
  #hasFailed = false
  #workers: readonly Promise<void>[] = []

  constructor(handler: QueueHandler<R>, options: QueueRunOptions<R>, host: QueueRunnerHost<R>) {
    const { concurrency = 1, onError = 'release', renewForMs = 300_000, signal } = options
    if (!(Number.isInteger(concurrency) && concurrency >= 1))
      throw new UsageError(`concurrency is ${shown(concurrency)}; write 1 or more`)
    if (typeof onError !== 'function') oneOf('onError', onError, ['release', 'reject'])
    this.concurrency = concurrency
    this.#handler = handler
    this.#host = host
    this.#onError = onError
    this.#renewForMs = notNegative('renewForMs', renewForMs)
    this.#signal = signal
  }

  /** Rejects at once when the queue cannot go on, or `onError` throws. Handlers may still be under way then: see `ended`. */
  async run(): Promise<void> {
    this.#workers = Array.from({ length: this.concurrency }, () => this.#work())
    try {
      await Promise.all(this.#workers)
    } catch (error) {
      this.#hasFailed = true
      this.#host.stock.wake()
      throw error
    }
  }

  /** No handler is under way any more. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#workers)
  }

  async #work(): Promise<void> {
    while (!this.#signal?.aborted && !this.#hasFailed) {
      const delivery = this.#host.stock.take() ?? (await this.#next())
      if (!delivery) return
      delivery.keepUntil = this.#host.clock.monotonic() + this.#renewForMs
      let type: AckType = AckType.release
      try {
        const handled = this.#handle(delivery)
        type = typeof handled === 'number' ? handled : await handled
      } finally {
        settle(delivery, type)
      }
    }
  }

  async #next(): Promise<Delivery | undefined> {
    try {
      return await this.#host.stock.next(this.#signal, () => this.#hasFailed)
    } catch (error) {
      if (this.#signal?.aborted) return undefined
      throw error
    }
  }

  /** A promise only where something has to be waited for. */
  #handle(delivery: Delivery): AckType | Promise<AckType> {
    let record: R | undefined
    try {
      const given = this.#host.handOut(delivery)
      if (given instanceof Promise) return this.#handleLater(given, delivery)
      record = given
      const done = this.#handler(record, delivery.place)
      if (!isPromise(done)) return AckType.accept
      return Promise.resolve(done).then(
        () => AckType.accept,
        error => this.#failed(error, given),
      )
    } catch (error) {
      return this.#failed(error, record)
    }
  }

  async #handleLater(given: Promise<R>, delivery: Delivery): Promise<AckType> {
    let record: R | undefined
    try {
      record = await given
      await this.#handler(record, delivery.place)
      return AckType.accept
    } catch (error) {
      return this.#failed(error, record)
    }
  }

  /** Bytes that their serde does not understand have no record to show: nobody can do anything with them. */
  #failed(error: unknown, record: R | undefined): AckType {
    if (record === undefined) return AckType.reject
    const failed = typeof this.#onError === 'function' ? this.#onError(error, record) : this.#onError
    return failed === 'reject' ? AckType.reject : AckType.release
  }
}

/** Of whatever make: some begin to work only when they are waited for. */
const isPromise = (done: unknown): done is PromiseLike<void> =>
  typeof (done as PromiseLike<void> | undefined)?.then === 'function'

function settle(delivery: Delivery, type: AckType): void {
  delivery.keepUntil = 0
  if (delivery.state === 'out') delivery.settleUnheard(type)
}
