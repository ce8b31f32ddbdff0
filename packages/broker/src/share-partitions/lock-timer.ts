import type { Clock, Timer } from '@odradek/world'
import type { SharePartition } from './share-partition.ts'

/** Longer than any scheduling delay, shorter than any lock. */
const pauseMs = 1000

/**
 * One timer for the locks of all share-partitions. It is set to the earliest that was ever announced, and looks for the next when it
 * fires: most records are acknowledged long before. Locks do not run while this process stands still, and what has arrived
 * meanwhile is read before any is over.
 */
export class LockTimer {
  readonly #clock: Clock
  readonly #partitions: () => Iterable<SharePartition>
  #timer: Timer | null = null
  #at = Infinity
  #isClosed = false

  constructor(clock: Clock, partitions: () => Iterable<SharePartition>) {
    this.#clock = clock
    this.#partitions = partitions
  }

  locked(until: number): void {
    if (until >= this.#at || this.#isClosed) return
    this.#timer?.cancel()
    this.#at = until
    this.#timer = this.#clock.timer(Math.max(0, until - this.#clock.monotonic()), () => this.#fired())
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  #fired(): void {
    const late = this.#clock.monotonic() - this.#at
    if (late > pauseMs && this.#at > 0) {
      for (const partition of this.#partitions()) partition.postpone(late)
      this.#next()
    } else this.#clock.soon(() => this.#expire())
  }

  #expire(): void {
    if (this.#isClosed) return
    for (const partition of this.#partitions()) partition.expire()
    this.#next()
  }

  #next(): void {
    let earliest = Infinity
    for (const partition of this.#partitions()) earliest = Math.min(earliest, partition.nextExpiry())
    this.#at = Infinity
    if (earliest < Infinity) this.locked(earliest)
  }
}
