/**
 * Records accepted between two flushes. A flush ends the current generation and waits for it and those before it, so it waits for
 * what was sent before the call and for nothing else, however busy the producer is.
 */
/** Told of each failure to deliver; `wasNumbered`: a sequence number is lost with it. */
export type OnLoss = (error: Error, wasNumbered: boolean) => void

export class Generation {
  readonly #onLoss: OnLoss | undefined
  #outstanding = 0
  #isOver = false
  #failures = 0
  #firstFailure: Error | undefined
  #resolve!: () => void
  readonly settled: Promise<void> = new Promise(resolve => {
    this.#resolve = resolve
  })

  constructor(onLoss?: OnLoss) {
    this.#onLoss = onLoss
  }

  get isSettled(): boolean {
    return this.#isOver && this.#outstanding === 0
  }

  /** Of records that nobody holds a promise for. */
  get unreported(): { count: number; first: Error } | undefined {
    return this.#firstFailure && { count: this.#failures, first: this.#firstFailure }
  }

  accepted(): void {
    this.#outstanding++
  }

  settle(records: number): void {
    this.#outstanding -= records
    if (this.isSettled) this.#resolve()
  }

  failedUnseen(error: Error): void {
    this.#failures++
    this.#firstFailure ??= error
  }

  /** Some of its records will not be delivered. */
  lost(error: Error, wasNumbered: boolean): void {
    this.#onLoss?.(error, wasNumbered)
  }

  /** No more records will join. */
  end(): void {
    this.#isOver = true
    if (this.isSettled) this.#resolve()
  }
}
