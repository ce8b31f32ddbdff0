/**
 * Where to start looking in a segment: one entry for every few KiB of log, each for the first byte of a batch.
 *
 *     entry = (offset relative to the segment's base, position, largest timestamp of all batches before it)
 *
 * All three columns never decrease, so both questions are a binary search: by offset, and by time (the last entry before which every
 * timestamp is smaller). The start of the segment needs no entry. An index of nothing holds nothing: most partitions are idle.
 */
export interface IndexedPlace {
  readonly position: number
  /** Of the batch there; relative to the segment's base. */
  readonly relativeOffset: number
}

export class SparseIndex {
  #offsets = none
  #positions = none
  #timestamps = noTimes
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Memory held. */
  get bytes(): number {
    return this.#offsets.length * 16
  }

  add(relativeOffset: number, position: number, maxTimestampBefore: number): void {
    if (this.#length === this.#offsets.length) this.#grow(Math.max(8, this.#length * 2))
    this.#offsets[this.#length] = relativeOffset
    this.#positions[this.#length] = position
    this.#timestamps[this.#length] = maxTimestampBefore
    this.#length++
  }

  /** A batch at or before this offset, at most an index interval and one batch away. */
  placeForOffset(relativeOffset: number): IndexedPlace {
    return this.#place(this.#countWhere(this.#offsets, relativeOffset + 1) - 1)
  }

  /** A batch before which every timestamp is smaller than this one. */
  placeForTime(timestamp: number): IndexedPlace {
    return this.#place(this.#countWhere(this.#timestamps, timestamp) - 1)
  }

  #place(i: number): IndexedPlace {
    return i < 0 ? start : { position: this.#positions[i]!, relativeOffset: this.#offsets[i]! }
  }

  /** Entry i, for writing the index down. */
  entry(i: number): { relativeOffset: number; position: number; maxTimestampBefore: number } {
    return {
      relativeOffset: this.#offsets[i]!,
      position: this.#positions[i]!,
      maxTimestampBefore: this.#timestamps[i]!,
    }
  }

  /** How many of the first entries are below the bound. */
  #countWhere(column: Uint32Array | Float64Array, below: number): number {
    let low = 0
    let high = this.#length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (column[middle]! < below) low = middle + 1
      else high = middle
    }
    return low
  }

  #grow(capacity: number): void {
    const offsets = new Uint32Array(capacity)
    const positions = new Uint32Array(capacity)
    const timestamps = new Float64Array(capacity)
    offsets.set(this.#offsets)
    positions.set(this.#positions)
    timestamps.set(this.#timestamps)
    this.#offsets = offsets
    this.#positions = positions
    this.#timestamps = timestamps
  }
}

const start: IndexedPlace = { position: 0, relativeOffset: 0 }
const none: Uint32Array = new Uint32Array(0)
const noTimes: Float64Array = new Float64Array(0)
