/**
 * How fast a cleaner may go, and how long it may keep others from running: on a thread of its own it only keeps to its rate, beside
 * others it lets them run after each slice.
 */
import { type Clock, sleep } from '@odradek/world'

/** A few milliseconds of work. */
const sliceBytes = 256 * 1024
const longestSleepMs = 250

export class Pace {
  readonly #clock: Clock
  readonly #bytesPerSecond: number
  readonly #isAlone: boolean
  readonly #isOver: () => boolean
  readonly #began: number
  #bytes = 0
  #inSlice = 0

  constructor(
    clock: Clock,
    { bytesPerSecond, isAlone, isOver }: { bytesPerSecond: number; isAlone: boolean; isOver: () => boolean },
  ) {
    this.#clock = clock
    this.#bytesPerSecond = bytesPerSecond
    this.#isAlone = isAlone
    this.#isOver = isOver
    this.#began = clock.monotonic()
  }

  /** After so many bytes were read or written. Rejects when it is over. */
  async moved(bytes: number): Promise<void> {
    this.#bytes += bytes
    this.#inSlice += bytes
    const ahead = (this.#bytes / this.#bytesPerSecond) * 1000 - (this.#clock.monotonic() - this.#began)
    if (this.#isOver()) throw new CleanerClosed()
    if (ahead > 1) await this.#wait(ahead)
    else if (!this.#isAlone && this.#inSlice >= sliceBytes)
      await new Promise<void>(resolve => this.#clock.soon(resolve))
    else return
    this.#inSlice = 0
    if (this.#isOver()) throw new CleanerClosed()
  }

  /** Hears soon that it is over, however slow it is to go. */
  async #wait(ms: number): Promise<void> {
    for (let left = ms; left > 0 && !this.#isOver(); left -= longestSleepMs)
      await sleep(this.#clock, Math.min(left, longestSleepMs))
  }
}

/** The engine is being closed, or the topic goes: nothing went wrong. */
export class CleanerClosed extends Error {}
