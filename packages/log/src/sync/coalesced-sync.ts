/**
 * A sync that many may ask for: one in flight, and whoever asks meanwhile shares the next one, also in its failure: what the next one was
 * to make durable may have been part of what could not be.
 *
 *     idle ──request──▶ in flight ──done──▶ idle, or the next one in flight
 *                           └──failed──▶ as `afterFailure` says
 */
export interface CoalescedSyncOptions {
  /**
   * `fail`: whoever asks later fails, too. A system that could not write a page may mark it clean, so that the next sync succeeds
   * without having written it. `anew`: a later request is about what was made later, and is tried; whoever had asked has failed.
   */
  readonly afterFailure: 'fail' | 'anew'
}

export class CoalescedSync {
  readonly #sync: () => Promise<void>
  readonly #afterFailure: CoalescedSyncOptions['afterFailure']
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(sync: () => Promise<void>, { afterFailure }: CoalescedSyncOptions) {
    this.#sync = sync
    this.#afterFailure = afterFailure
  }

  /** Resolves when everything written before the call is durable. */
  request(): Promise<void> {
    if (this.#running === undefined) return this.#run()
    this.#next ??= this.#running.then(() => this.#run())
    return this.#next
  }

  #run(): Promise<void> {
    this.#next = undefined
    const running = this.#sync()
    this.#running = running
    running.then(
      () => {
        if (this.#next === undefined) this.#running = undefined
      },
      () => {
        if (this.#afterFailure === 'fail') return
        this.#running = undefined
        this.#next = undefined
      },
    )
    return running
  }
}
