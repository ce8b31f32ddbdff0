/** Counts what happens, and wakes whoever waits for more of it. */
export class Progress {
  #count = 0
  #waiting: { until: number; wake: () => void }[] = []

  get count(): number {
    return this.#count
  }

  add(): void {
    this.#count++
    if (this.#waiting.length === 0) return
    const due = this.#waiting.filter(({ until }) => this.#count >= until)
    this.#waiting = this.#waiting.filter(({ until }) => this.#count < until)
    for (const { wake } of due) wake()
  }

  /** Resolves when it has happened so many more times. */
  more(times: number): Promise<void> {
    return new Promise(wake => this.#waiting.push({ until: this.#count + times, wake }))
  }
}
