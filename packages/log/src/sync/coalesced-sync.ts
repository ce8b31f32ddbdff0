/**
 * A sync that many may ask for: one in flight, and whoever asks meanwhile shares the next one. When one has failed all later ones do:
 * a system that could not write a page may mark it clean, so that the next sync succeeds without having written it.
 */
export class CoalescedSync {
  readonly #sync: () => Promise<void>
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(sync: () => Promise<void>) {
    this.#sync = sync
  }

  /** Resolves when everything written before the call is durable. */
  request(): Promise<void> {
    if (this.#running === undefined) return this.#run()
    this.#next ??= this.#running.then(() => this.#run())
    return this.#next
  }

  #run(): Promise<void> {
    this.#next = undefined
    this.#running = this.#sync().then(() => {
      this.#running = this.#next
    })
    return this.#running
  }
}
