/**
 * Transactions in the log of one partition: which are open, which were aborted, and where what is decided ends.
 *
 *     D₁ D₂ D₁ C₁ D₂ A₂ D₃        open: 3.  aborted: 2, from its first D to A.
 *     ───────────────── ▲
 *       stable           last stable offset: the first record of a transaction that is open, or whose marker is not durable yet
 *
 * A transaction begins with its producer's first transactional batch and ends with its marker. What was aborted stays listed while
 * anything of it may be read.
 */
export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: number
  /** Of its marker. */
  readonly lastOffset: number
}

export type Outcome = 'commit' | 'abort'

/** What the batch says that ends a transaction. */
export interface EndMarker {
  readonly outcome: Outcome
  readonly coordinatorEpoch: number
}

interface Ended {
  readonly firstOffset: number
  readonly markerOffset: number
}

export class Transactions {
  /** First offset by producer; insertion order is the order of first offsets. */
  #open = new Map<bigint, number>()
  /** Their markers are not durable yet; in the order of markers. */
  #ended: readonly Ended[] = none
  /** In the order of markers. Replaced, never changed. */
  #aborted: readonly AbortedTransaction[] = none

  get aborted(): readonly AbortedTransaction[] {
    return this.#aborted
  }

  get open(): ReadonlyMap<bigint, number> {
    return this.#open
  }

  /** First offset of the producer's open transaction; -1: it has none. */
  startOf(producerId: bigint): number {
    return this.#open.get(producerId) ?? -1
  }

  /** A transactional batch stands at `offset`. Returns how to take it back. */
  begin(producerId: bigint, offset: number): () => void {
    if (this.#open.has(producerId)) return nothing
    this.#open.set(producerId, offset)
    return () => this.#open.delete(producerId)
  }

  /** Its marker stands at `offset`. Returns how to take it back. */
  end(producerId: bigint, offset: number, outcome: Outcome): () => void {
    const firstOffset = this.#open.get(producerId)
    if (firstOffset === undefined) return nothing
    const [ended, aborted] = [this.#ended, this.#aborted]
    this.#open.delete(producerId)
    this.#ended = [...ended, { firstOffset, markerOffset: offset }]
    if (outcome === 'abort') this.#aborted = [...aborted, { producerId, firstOffset, lastOffset: offset }]
    return () => {
      this.#ended = ended
      this.#aborted = aborted
      this.restore([...this.#open, [producerId, firstOffset]], aborted)
    }
  }

  /** Everything before the offset is durable. */
  committed(highWatermark: number): void {
    if (this.#ended.length > 0) this.#ended = this.#ended.filter(({ markerOffset }) => markerOffset >= highWatermark)
  }

  lastStableOffset(highWatermark: number): number {
    let stable = highWatermark
    if (this.#open.size > 0) stable = Math.min(stable, this.#open.values().next().value!)
    for (const { firstOffset } of this.#ended) stable = Math.min(stable, firstOffset)
    return stable
  }

  /** Those with batches in [from, to), by first offset. */
  abortedWithin(from: number, to: number): AbortedTransaction[] {
    return this.#aborted
      .filter(({ firstOffset, lastOffset }) => lastOffset >= from && firstOffset < to)
      .sort((a, b) => a.firstOffset - b.firstOffset)
  }

  /** Nothing of those that ended before the offset can be read any more. */
  forgetAborted(before: number): void {
    if (this.#aborted.length === 0 || this.#aborted[0]!.lastOffset >= before) return
    this.#aborted = this.#aborted.filter(({ lastOffset }) => lastOffset >= before)
  }

  restore(open: Iterable<readonly [bigint, number]>, aborted: readonly AbortedTransaction[]): void {
    this.#open = new Map([...open].sort(([, a], [, b]) => a - b))
    this.#aborted = aborted.toSorted((a, b) => a.lastOffset - b.lastOffset)
  }
}

const none: readonly never[] = []
const nothing = (): void => {}
