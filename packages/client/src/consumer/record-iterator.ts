/**
 * Level one: `for await (const record of consumer)`. Asking for the next record says that the last one is processed; leaving the loop
 * by break or throw leaves it unprocessed, and a new loop begins with it again.
 *
 * Written by hand, because records that have been fetched are answered by one resolved promise and nothing else.
 */
import type { ConsumerRecord } from './consumer-record.ts'
import type { Intake, Piece } from './intake.ts'

export interface RecordIteratorOptions {
  readonly intake: Intake
  readonly signal: AbortSignal | undefined
  readonly isClosed: () => boolean
  readonly onEnd: () => void
}

const pollMs = 10_000
const pollRecords = 1_000

export class RecordIterator<R extends ConsumerRecord> implements AsyncIterableIterator<R, undefined> {
  readonly #options: RecordIteratorOptions
  readonly #intake: Intake
  #handedOut: Piece | undefined
  #isDone = false

  constructor(options: RecordIteratorOptions) {
    this.#options = options
    this.#intake = options.intake
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<R, undefined>> {
    this.#settle()
    if (this.#intake.wantsPoll || this.#isDone || this.#options.signal?.aborted) return this.#wait()
    const record = this.#take()
    return record ? Promise.resolve({ done: false, value: record }) : this.#wait()
  }

  async return(): Promise<IteratorResult<R, undefined>> {
    this.#handedOut = undefined
    this.#end()
    return { done: true, value: undefined }
  }

  /** The record handed out last is processed. */
  #settle(): void {
    const piece = this.#handedOut
    if (!piece) return
    this.#handedOut = undefined
    if (++piece.at < piece.records.length) return
    this.#intake.processed(piece)
    if (this.#intake.pending[0] === piece) this.#intake.pending.shift()
  }

  #take(): R | undefined {
    const piece = this.#intake.pending[0]
    if (!piece) return undefined
    this.#handedOut = piece
    return piece.records[piece.at] as R
  }

  async #wait(): Promise<IteratorResult<R, undefined>> {
    const { signal, isClosed } = this.#options
    try {
      while (!this.#isDone && !isClosed()) {
        signal?.throwIfAborted()
        // With records at hand a rebalance is all that is polled for.
        const isBusy = this.#intake.pending.length > 0
        await this.#intake.fill(isBusy ? 0 : pollMs, isBusy ? 0 : pollRecords, signal)
        const record = this.#take()
        if (record) return { done: false, value: record }
      }
    } catch (error) {
      this.#end()
      if (isClosed()) return { done: true, value: undefined }
      throw error
    }
    this.#end()
    return { done: true, value: undefined }
  }

  #end(): void {
    if (this.#isDone) return
    this.#isDone = true
    this.#options.onEnd()
  }
}
