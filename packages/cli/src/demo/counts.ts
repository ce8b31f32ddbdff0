import type { Clock } from '@odradek/world'

/** The counts as the output topic tells them: the latest of every word, and how fast they come. */
export class Counts {
  readonly latest = new Map<string, number>()
  readonly #clock: Clock
  #updates = 0
  #total = 0
  #window: { at: number; updates: number }[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  update(word: string, count: number): void {
    this.#total += count - (this.latest.get(word) ?? 0)
    this.latest.set(word, count)
    this.#updates++
  }

  /** Words counted: the sum of the latest counts. */
  get total(): number {
    return this.#total
  }

  /** Updates per second, over about the last one. Call it at every redraw. */
  rate(): number {
    const now = { at: this.#clock.monotonic(), updates: this.#updates }
    this.#window = [...this.#window.filter(({ at }) => now.at - at < 1_000), now]
    const { at, updates } = this.#window[0]!
    return now.at === at ? 0 : ((now.updates - updates) / (now.at - at)) * 1_000
  }
}
