/** Heartbeats on their own timer, one under way at a time: now when something is to be said, else after the interval of the last answer. */
import type { Clock, Timer } from '@odradek/world'

export class Pulse {
  readonly #clock: Clock
  readonly #beat: () => Promise<number | null>
  #timer: Timer | undefined
  #isBeating = false
  #isDue = false
  #isStopped = false

  /** `beat` must not throw; it answers the milliseconds from its beginning to the next, or null when nobody needs to hear of us. */
  constructor(clock: Clock, beat: () => Promise<number | null>) {
    this.#clock = clock
    this.#beat = beat
  }

  now(): void {
    if (this.#isStopped) return
    this.#timer?.cancel()
    this.#isDue = true
    if (!this.#isBeating) void this.#run()
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  async #run(): Promise<void> {
    this.#isBeating = true
    let wait: number | null = null
    while (this.#isDue && !this.#isStopped) {
      this.#isDue = false
      const began = this.#clock.monotonic()
      const next = await this.#beat()
      wait = next === null ? null : Math.max(0, next - (this.#clock.monotonic() - began))
    }
    this.#isBeating = false
    if (wait !== null && !this.#isStopped) this.#timer = this.#clock.timer(wait, () => this.now(), { keepAlive: true })
  }
}
