/** How long to wait before a thread that failed is replaced: a cause that lasts is not tried in a tight loop. */
import type { Clock } from '@odradek/world'

const firstPauseMs = 1_000
const longestPauseMs = 30_000
/** A thread that has lived so long did not fail of what the one before it had failed of, or not at once. */
const soundMs = 60_000

export class Replacements {
  readonly #clock: Clock
  #inARow = 0
  #lastAt = Number.NEGATIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A thread has failed: how many in a row have, and what to wait. */
  next(): { inARow: number; pauseMs: number } {
    const now = this.#clock.monotonic()
    this.#inARow = now - this.#lastAt > soundMs + longestPauseMs ? 1 : this.#inARow + 1
    this.#lastAt = now
    return { inARow: this.#inARow, pauseMs: Math.min(longestPauseMs, firstPauseMs * 2 ** (this.#inARow - 1)) }
  }
}
