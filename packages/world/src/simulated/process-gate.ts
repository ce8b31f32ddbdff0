/**
 * Whether the program on a machine gets to run. While it is paused (SIGSTOP, a laptop's lid, a virtual machine that is moved) the
 * world goes on: its timers come due, bytes and completions arrive, and all of that waits for it.
 *
 *     paused:   timer due ──▶ [ timers ]      bytes, disk ──▶ [ rest ]
 *     resumed:  timers first, then the rest, each in the order it came: an event loop looks at its timers first
 */
import type { Clock } from '../clock.ts'

export class ProcessGate {
  readonly #clock: Clock
  #isPaused = false
  #timers: (() => void)[] = []
  #rest: (() => void)[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#catchUp()
  }

  /** The program is gone: what waits for it does not happen. A new one runs. */
  clear(): void {
    this.#isPaused = false
    this.#timers = []
    this.#rest = []
  }

  timerDue(act: () => void): void {
    if (this.#isPaused || this.#timers.length > 0) this.#timers.push(act)
    else act()
  }

  /** What came later never overtakes what still waits. */
  happened(act: () => void): void {
    if (this.#isPaused || this.#rest.length > 0) this.#rest.push(act)
    else act()
  }

  /** One after the other, each with time to settle. */
  #catchUp(): void {
    this.#clock.soon(() => {
      if (this.#isPaused) return
      const act = this.#timers.shift() ?? this.#rest.shift()
      if (act === undefined) return
      act()
      this.#catchUp()
    })
  }
}
