/**
 * Notes what clients do and see, in order and with the simulated time: the history to be checked, and the trace that must be the same
 * whenever the seed is the same.
 */
import { createHash } from 'node:crypto'
import type { SimulatedClock } from '@odradek/world'
import { eventText } from '../history/anomaly.ts'
import type { HistoryEvent } from '../history/history-event.ts'

export class Recorder {
  readonly events: HistoryEvent[] = []
  readonly #times: number[] = []
  readonly #remarks: { at: number; before: number; text: string }[] = []
  readonly #clock: SimulatedClock

  constructor(clock: SimulatedClock) {
    this.#clock = clock
  }

  get now(): number {
    return this.#clock.monotonic()
  }

  note(event: HistoryEvent): void {
    this.events.push(event)
    this.#times.push(this.#clock.monotonic())
  }

  /** What is no event of the history, and part of the trace all the same: faults, starts, what the broker says. */
  remark(text: string): void {
    this.#remarks.push({ at: this.#clock.monotonic(), before: this.events.length, text })
  }

  /** The last things that happened. */
  lastRemark(): string {
    return this.#remarks.at(-1)?.text ?? 'nothing'
  }

  /** Every event and remark, one a line. */
  *lines(): Iterable<string> {
    const time = (ms: number) => (ms / 1000).toFixed(6).padStart(12)
    let next = 0
    for (const [i, event] of this.events.entries()) {
      for (; next < this.#remarks.length && this.#remarks[next]!.before <= i; next++)
        yield `${time(this.#remarks[next]!.at)}        ${this.#remarks[next]!.text}`
      yield `${time(this.#times[i]!)} #${String(i).padEnd(5)} ${eventText(event)}`
    }
    for (; next < this.#remarks.length; next++)
      yield `${time(this.#remarks[next]!.at)}        ${this.#remarks[next]!.text}`
  }

  hash(): string {
    const hash = createHash('sha256')
    for (const line of this.lines()) hash.update(`${line}\n`)
    return hash.digest('hex').slice(0, 16)
  }
}
