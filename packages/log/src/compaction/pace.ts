/**
 * How fast a cleaner may go, and how long it may keep others from running. After each slice whatever else is to do on its thread gets its
 * turn, if it is only to hear that it is over. On a thread of its own it gives way after half a millisecond: whoever wakes up while
 * it has the core would otherwise wait until the system looks at the clock again, up to 4 ms. Beside appends it works and rests for an
 * eighth of a millisecond by turns: a commit wakes several threads one after the other, and each of them must find a core.
 */
import { type Clock, sleep } from '@odradek/world/clock'
import type { Traffic } from './traffic.ts'

/** A few milliseconds of work. */
const sliceBytes = 256 * 1024
const longestSleepMs = 250
const longestRunMs = 0.5
/** Of working and of resting. */
const turnBesideTrafficMs = 0.125
/** Appends count as under way for so long after one was seen. */
const trafficMs = 50

/** What a thread of its own owes to the others. */
export interface Manners {
  /** Returns after so many milliseconds, or soon for 0. */
  giveWay(ms: number): void
  readonly traffic: Traffic
}

export class Pace {
  readonly #clock: Clock
  readonly #bytesPerSecond: number
  readonly #manners: Manners | undefined
  readonly #isOver: () => boolean
  readonly #began: number
  #bytes = 0
  #inSlice = 0
  #rested: number
  #turns: number
  #trafficSeen = Number.NEGATIVE_INFINITY

  constructor(
    clock: Clock,
    {
      bytesPerSecond,
      manners,
      isOver,
    }: { bytesPerSecond: number; manners?: Manners | undefined; isOver: () => boolean },
  ) {
    this.#clock = clock
    this.#bytesPerSecond = bytesPerSecond
    this.#manners = manners
    this.#isOver = isOver
    this.#began = clock.monotonic()
    this.#rested = this.#began
    this.#turns = manners?.traffic.turns ?? 0
  }

  /** After some microseconds of work. */
  rest(): void {
    if (this.#manners === undefined) return
    const now = this.#clock.monotonic()
    const isTraffic = this.#isTraffic(this.#manners.traffic.turns, now)
    if (now - this.#rested < (isTraffic ? turnBesideTrafficMs : longestRunMs)) return
    this.#manners.giveWay(isTraffic ? turnBesideTrafficMs : 0)
    this.#rested = this.#clock.monotonic()
  }

  #isTraffic(turns: number, now: number): boolean {
    if (turns !== this.#turns) this.#trafficSeen = now
    this.#turns = turns
    return now - this.#trafficSeen < trafficMs
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
