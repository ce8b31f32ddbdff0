/**
 * Ends of logs that are noted in the checkpoint a little later, once for many commits: of what the journal made durable. Nobody needs the
 * note while the journal is whole; if it is not, a start knows from the note what is missing.
 */
import type { Clock, Timer } from '@odradek/world'

export interface Notable {
  note(): void
}

const afterMs = 1000

export class LateNotes {
  readonly #clock: Clock
  readonly #waiting = new Set<Notable>()
  #timer: Timer | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(ends: Notable): void {
    this.#waiting.add(ends)
    this.#timer ??= this.#clock.timer(afterMs, () => this.#noteAll())
  }

  /** It is noted, or is not to be any more. */
  drop(ends: Notable): void {
    this.#waiting.delete(ends)
  }

  #noteAll(): void {
    this.#timer = undefined
    for (const ends of this.#waiting) ends.note()
    this.#waiting.clear()
  }

  close(): void {
    this.#timer?.cancel()
  }
}
