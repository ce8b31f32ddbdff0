import type { Clock, Timer } from '@odradek/world'

/** Longer than any scheduling delay, shorter than any timeout of a transaction. */
const pauseMs = 1000

/**
 * When the open transactions end that their producers do not end, on the monotonic clock. They are looked at regularly, as in Kafka:
 * none is ended early, and none later than one look after its time. Time in which this process did not run does not count.
 */
export class DeadlineList {
  readonly #clock: Clock
  readonly #everyMs: () => number
  readonly #passed: (key: string) => void
  readonly #deadlines = new Map<string, number>()
  #timer: Timer | undefined
  #expectedAt = 0
  #isClosed = false

  constructor(clock: Clock, everyMs: () => number, passed: (key: string) => void) {
    this.#clock = clock
    this.#everyMs = everyMs
    this.#passed = passed
  }

  has(key: string): boolean {
    return this.#deadlines.has(key)
  }

  set(key: string, inMs: number): void {
    this.#deadlines.set(key, this.#clock.monotonic() + inMs)
    if (this.#timer === undefined) this.#lookLater()
  }

  delete(key: string): void {
    this.#deadlines.delete(key)
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  #lookLater(): void {
    if (this.#isClosed) return
    const everyMs = this.#everyMs()
    this.#expectedAt = this.#clock.monotonic() + everyMs
    this.#timer = this.#clock.timer(everyMs, () => this.#look())
  }

  #look(): void {
    const now = this.#clock.monotonic()
    const late = now - this.#expectedAt
    if (late > pauseMs) for (const [key, at] of this.#deadlines) this.#deadlines.set(key, at + late)
    const due = Array.from(this.#deadlines).filter(([, at]) => at <= now && late <= pauseMs)
    for (const [key] of due) {
      // It is looked at again when it cannot be ended now.
      this.#passed(key)
    }
    this.#timer = undefined
    if (this.#deadlines.size > 0) this.#lookLater()
  }
}
