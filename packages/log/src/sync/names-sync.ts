/**
 * A sync of a folder that many wait for who have each made a name in it: one in flight, and whoever asks meanwhile shares the next one.
 *
 * When one has failed, so has the next: what that was to make durable may have been part of what failed. Names made after that are none of
 * it, and are tried anew.
 */
export class NamesSync {
  readonly #sync: () => Promise<void>
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(sync: () => Promise<void>) {
    this.#sync = sync
  }

  /** Resolves when every name made before the call is durable. */
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
        this.#running = undefined
        this.#next = undefined
      },
    )
    return running
  }
}
