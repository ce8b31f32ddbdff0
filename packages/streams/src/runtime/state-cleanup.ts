import type { Clock, Timer } from '@odradek/world'
import type { StreamsLogger } from '../handlers/handlers.ts'
import type { StateFolder } from '../state/state-folder.ts'

/** Looks now and then for state of tasks that have been elsewhere for longer than `stateCleanupDelayMs`, and removes it. */
export class StateCleanup {
  readonly #clock: Clock
  readonly #folder: StateFolder
  readonly #delayMs: number
  readonly #logger: StreamsLogger
  #timer: Timer

  constructor(options: { clock: Clock; folder: StateFolder; delayMs: number; logger: StreamsLogger }) {
    this.#clock = options.clock
    this.#folder = options.folder
    this.#delayMs = options.delayMs
    this.#logger = options.logger
    this.#timer = this.#next()
  }

  close(): void {
    this.#timer.cancel()
  }

  /** Not more often than once a second, however short the delay. */
  #next(): Timer {
    return this.#clock.timer(Math.max(1_000, this.#delayMs), () => {
      this.#look()
      this.#timer = this.#next()
    })
  }

  #look(): void {
    try {
      this.#folder.removeStale(this.#clock.now(), this.#delayMs)
    } catch (error) {
      this.#logger.warn({ error }, 'State of tasks that are elsewhere cannot be removed; it is tried again.')
    }
  }
}
