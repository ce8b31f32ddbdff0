/**
 * Which offset of a partition may be committed while its records are processed out of order: the lowest one not yet processed.
 *
 *   delivered   4  5  6  7  8  9         done: 4 5 7 8         committable: 6, for 6 is still at work
 *
 * A window of flags, from the lowest unfinished record on. Offsets have holes (compaction, markers), so it counts records, not offsets.
 */
export interface Committable {
  readonly offset: number
  readonly leaderEpoch: number
}

interface Tracked {
  offset: number
  next: number
  leaderEpoch: number
  done: boolean
}

export class ProcessedOffsets {
  readonly #window: Tracked[] = []
  /** Sequence number of the first in the window. */
  #first = 0
  /** Entries at the front of the window that were shifted lazily. */
  #head = 0
  #committable: Committable | null = null
  #committed = -1

  /** Notes a record handed out; the ticket says it is done later. `next` is the offset after it, and after the holes behind it. */
  begin(offset: number, next: number, leaderEpoch: number): number {
    this.#window.push({ offset, next, leaderEpoch, done: false })
    return this.#first + this.#window.length - this.#head - 1
  }

  finish(ticket: number): void {
    const entry = this.#window[ticket - this.#first + this.#head]
    if (entry === undefined || ticket < this.#first) return
    entry.done = true
    while (this.#head < this.#window.length && this.#window[this.#head]!.done) {
      const { next, leaderEpoch } = this.#window[this.#head++]!
      this.#committable = { offset: next, leaderEpoch }
      this.#first++
    }
    if (this.#head > 1_024 && this.#head * 2 > this.#window.length) {
      this.#window.splice(0, this.#head)
      this.#head = 0
    }
  }

  /** Everything up to `offset`, exclusive, is done: for those that process in order. */
  advance(offset: number, leaderEpoch: number): void {
    if (this.#committable === null || offset > this.#committable.offset) this.#committable = { offset, leaderEpoch }
  }

  /** The lowest offset that was handed out and is not done; undefined when all are. */
  get firstUnfinished(): number | undefined {
    return this.#window[this.#head]?.offset
  }

  /** What to commit next; null when nothing is new. */
  uncommitted(): Committable | null {
    return this.#committable !== null && this.#committable.offset > this.#committed ? this.#committable : null
  }

  committed(offset: number): void {
    this.#committed = Math.max(this.#committed, offset)
  }

  /** Somebody else commits what is below `offset`; the function returned takes that back, should it not come to be. */
  hold(offset: number): () => void {
    const before = this.#committed
    this.committed(offset)
    return () => {
      if (this.#committed === Math.max(before, offset)) this.#committed = before
    }
  }

  /** Everything up to `offset`, exclusive, is committed. */
  isCommitted(offset: number): boolean {
    return this.#committed >= offset
  }
}
