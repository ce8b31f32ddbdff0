/** One at a time per key, in the order they came. */
export class TurnLocks {
  readonly #queues = new Map<string, (() => void)[]>()

  isTaken(key: string): boolean {
    return this.#queues.has(key)
  }

  /** Resolves with what gives the turn to the next. */
  async take(key: string): Promise<() => void> {
    const queue = this.#queues.get(key)
    if (queue === undefined) this.#queues.set(key, [])
    else await new Promise<void>(turn => queue.push(turn))
    return () => this.#give(key)
  }

  #give(key: string): void {
    const next = this.#queues.get(key)!.shift()
    if (next === undefined) this.#queues.delete(key)
    else next()
  }
}
