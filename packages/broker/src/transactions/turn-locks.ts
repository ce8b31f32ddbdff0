/** One at a time per key, in the order they came. */
export class TurnLocks {
  readonly #queues = new Map<string, (() => void)[]>()

  isTaken(key: string): boolean {
    return this.#queues.has(key)
  }

  /** What gives the turn to the next; undefined when it is somebody's. */
  takeNow(key: string): (() => void) | undefined {
    if (this.#queues.has(key)) return undefined
    this.#queues.set(key, [])
    return () => this.#give(key)
  }

  /** Resolves with what gives the turn to the next. */
  async take(key: string): Promise<() => void> {
    const now = this.takeNow(key)
    if (now !== undefined) return now
    await new Promise<void>(turn => this.#queues.get(key)!.push(turn))
    return () => this.#give(key)
  }

  #give(key: string): void {
    const next = this.#queues.get(key)!.shift()
    if (next === undefined) this.#queues.delete(key)
    else next()
  }
}
