/** Steps that change a partition's files and take time: one after the other, in the order asked for. */
export class StepQueue {
  readonly #ended: () => void
  #last: Promise<void> = Promise.resolve()
  #left = 0

  /** `ended` is called after each step, whatever came of it. */
  constructor(ended: () => void) {
    this.#ended = ended
  }

  get isBusy(): boolean {
    return this.#left > 0
  }

  run(step: () => Promise<void>): Promise<void> {
    this.#left++
    const outcome = this.#last.then(step)
    const end = () => {
      this.#left--
      this.#ended()
    }
    this.#last = outcome.then(end, end)
    return outcome
  }

  /** Resolves when the steps asked for by now have ended. */
  idle(): Promise<void> {
    return this.#last
  }
}
