import type { Clock, Timer } from '../clock.ts'

/** Node's timers hold 31 bits of milliseconds; a longer one fires at once. Longer waits are made of several. */
const longestTimeoutMs = 2 ** 31 - 1

/** Node cuts fractions off, and counts from the start of the turn: without this a timer may fire before `monotonic` has reached its time. */
const earlyMs = 1

/** The clock of the machine. */
export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  timer: (ms, fire, options) => new RealTimer(ms, fire, options?.keepAlive === true),
  soon: run => {
    setImmediate(run)
  },
}

class RealTimer implements Timer {
  #timeout: NodeJS.Timeout
  readonly #fire: () => void
  readonly #keepAlive: boolean

  constructor(ms: number, fire: () => void, keepAlive: boolean) {
    this.#fire = fire
    this.#keepAlive = keepAlive
    this.#timeout = this.#wait(ms)
  }

  cancel(): void {
    clearTimeout(this.#timeout)
  }

  #wait(ms: number): NodeJS.Timeout {
    const left = ms - longestTimeoutMs
    const timeout =
      left > 0
        ? setTimeout(() => {
            this.#timeout = this.#wait(left)
          }, longestTimeoutMs)
        : setTimeout(this.#fire, ms > 0 ? Math.ceil(ms) + earlyMs : 0)
    return this.#keepAlive ? timeout : timeout.unref()
  }
}

/** Resolves when every promise that could settle without I/O or a timer has settled. Simulated time moves only then. */
export function microtasksSettled(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve)
  })
}
