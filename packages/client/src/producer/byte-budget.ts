/**
 * A bound on the bytes that wait to be delivered, and a queue of those who wait for room.
 *
 * Fair: first come, first served. While anybody waits, nobody is let in ahead, so a large record is not starved by small ones. One
 * entrant may overshoot the bound, so a record larger than the whole budget passes too, alone.
 */
export class ByteBudget {
  readonly limit: number
  #used = 0
  #waiting: { admit: () => void; isGone: () => boolean }[] = []
  #head = 0

  constructor(limit: number) {
    this.limit = limit
  }

  get used(): number {
    return this.#used
  }

  get isFull(): boolean {
    return this.#used >= this.limit || this.waiters > 0
  }

  get waiters(): number {
    return this.#waiting.length - this.#head
  }

  take(bytes: number): void {
    this.#used += bytes
  }

  /** Calls `admit` when there is room, in turn, unless `isGone` says by then that nobody wants it any more. */
  wait(admit: () => void, isGone: () => boolean = never): void {
    this.#waiting.push({ admit, isGone })
  }

  give(bytes: number): void {
    this.#used -= bytes
    while (this.#used < this.limit) {
      const waiter = this.#waiting[this.#head]
      if (!waiter) break
      this.#head++
      if (!waiter.isGone()) waiter.admit()
    }
    if (this.#head > 1024 || this.#head === this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head)
      this.#head = 0
    }
  }
}

const never = () => false
