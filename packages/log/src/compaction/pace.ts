/**
 * How fast a cleaner may go, and how long it may keep others from running. After each slice whatever else is to do on its thread gets its
 * turn, if it is only to hear that it is over. On a thread of its own it gives way after half a millisecond: whoever wakes up while
 * it has the core would otherwise wait until the system looks at the clock again, up to 4 ms.
 */
import { type Clock, sleep } from '@odradek/world/clock'

/** A few milliseconds of work. */
const sliceBytes = 256 * 1024
const longestSleepMs = 250
const longestRunMs = 0.5

export class Pace {
  readonly #clock: Clock
  readonly #bytesPerSecond: number
  readonly #giveWay: (() => void) | undefined
  readonly #isOver: () => boolean
  readonly #began: number
  #bytes = 0
  #inSlice = 0
  #rested: number

  constructor(
    clock: Clock,
    {
      bytesPerSecond,
      giveWay,
      isOver,
    }: { bytesPerSecond: number; giveWay?: (() => void) | undefined; isOver: () => boolean },
  ) {
    this.#clock = clock
    this.#bytesPerSecond = bytesPerSecond
    this.#giveWay = giveWay
    this.#isOver = isOver
    this.#began = clock.monotonic()
    this.#rested = this.#began
  }

  /** After some microseconds of work. */
  rest(): void {
    if (this.#giveWay === undefined || this.#clock.monotonic() - this.#rested < longestRunMs) return
    this.#giveWay()
    this.#rested = this.#clock.monotonic()
  }

  /** After so many bytes were read or written. Rejects when it is over. */
  async moved(bytes: number): Promise<void> {
    this.#bytes += bytes
    this.#inSlice += bytes
    const ahead = (this.#bytes / this.#bytesPerSecond) * 1000 - (this.#clock.monotonic() - this.#began)
    if (this.#isOver()) throw new CleanerClosed()
    if (ahead > 1) await this.#wait(ahead)
    else if (this.#inSlice >= sliceBytes) await new Promise<void>(resolve => this.#clock.soon(resolve))
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
