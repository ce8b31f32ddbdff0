import type { Clock, Timer } from '@odradek/world'

/** Longer than any scheduling delay, shorter than any deadline. */
const pauseMs = 1_000

/** Those whose deadlines they are. Times are of the monotonic clock, in milliseconds. */
export interface DeadlineKeeper {
  /** Infinity: there is none. */
  earliest(): number
  /** Some are due. */
  expire(): void
  /** All move by so much. */
  postpone(ms: number): void
}

/**
 * One timer for many deadlines. It is set to the earliest that was ever announced, and asks for the next when it fires.
 *
 * Nobody is held to time in which this process did not run: when the timer comes late by more than a second (the process was stopped,
 * the machine slept), every deadline moves by as much. And when it comes on time, what has arrived meanwhile is read first: a heartbeat
 * or an acknowledgement that waits in a socket still counts.
 */
export class DeadlineTimer {
  readonly #clock: Clock
  readonly #keeper: DeadlineKeeper
  #timer: Timer | null = null
  #at = Infinity
  #isClosed = false

  constructor(clock: Clock, keeper: DeadlineKeeper) {
    this.#clock = clock
    this.#keeper = keeper
  }

  /** There is a deadline at this time; one that has passed is due at once. */
  announce(at: number): void {
    const now = this.#clock.monotonic()
    if (at >= this.#at || this.#isClosed) return
    this.#timer?.cancel()
    this.#at = Math.max(at, now)
    this.#timer = this.#clock.timer(this.#at - now, () => this.#fired())
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  #fired(): void {
    const late = this.#clock.monotonic() - this.#at
    this.#timer = null
    this.#at = Infinity
    if (late > pauseMs) {
      this.#keeper.postpone(late)
      this.#announceEarliest()
    } else this.#clock.soon(() => this.#expire())
  }

  #expire(): void {
    if (this.#isClosed) return
    this.#keeper.expire()
    this.#announceEarliest()
  }

  #announceEarliest(): void {
    const earliest = this.#keeper.earliest()
    if (earliest < Infinity) this.announce(earliest)
  }
}
