/** Lets one waiter sleep until something happens, a time has passed, or a signal aborts; whatever happens before it sleeps counts too. */
import type { Clock } from '@odradek/world'

export class Wakeup {
  readonly #clock: Clock
  #isDue = false
  #wake: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Something happened. */
  notify(): void {
    this.#isDue = true
    this.#wake?.()
  }

  wait(ms: number, signal?: AbortSignal): Promise<void> {
    if (this.#isDue || ms <= 0 || signal?.aborted) {
      this.#isDue = false
      return Promise.resolve()
    }
    return new Promise(resolve => {
      const wake = () => {
        timer.cancel()
        signal?.removeEventListener('abort', wake)
        this.#wake = undefined
        this.#isDue = false
        resolve()
      }
      const timer = this.#clock.timer(ms, wake, { keepAlive: true })
      signal?.addEventListener('abort', wake, { once: true })
      this.#wake = wake
    })
  }
}
