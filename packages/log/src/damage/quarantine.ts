/**
 * The damaged ranges of a partition: what is not served, and what is passed over on the way to the rest.
 *
 * Ranges are ascending and apart. A partition has none in nearly every case, and then every question is answered at once.
 */
import type { DamagedRange } from './damage.ts'

export class Quarantine {
  #ranges: DamagedRange[] = []

  get ranges(): readonly DamagedRange[] {
    return this.#ranges
  }

  get isEmpty(): boolean {
    return this.#ranges.length === 0
  }

  /** Returns false when all of it is known already. Ranges that it overlaps or continues become one with it. */
  add(range: DamagedRange): boolean {
    if (this.#ranges.some(known => covers(known, range))) return false
    const joined = this.#ranges.filter(known => belongsTogether(known, range)).reduce(join, range)
    this.#ranges = [...this.#ranges.filter(known => !belongsTogether(known, range)), joined].sort(
      (a, b) => a.fromOffset - b.fromOffset || a.segment - b.segment || a.fromPosition - b.fromPosition,
    )
    return true
  }

  /** The range that an offset is lost in. */
  at(offset: number): DamagedRange | undefined {
    return this.#ranges.find(range => range.fromOffset <= offset && offset < range.toOffset)
  }

  /** Ranges of one segment, by position. */
  of(segment: number): readonly DamagedRange[] {
    return this.#ranges.filter(range => range.segment === segment)
  }

  /** The first lost records from an offset on, and before another one. */
  firstWithin(offset: number, before: number): DamagedRange | undefined {
    return this.#ranges.find(
      ({ fromOffset, toOffset }) => toOffset > Math.max(offset, fromOffset) && fromOffset < before,
    )
  }

  /** Where in a segment a search for an offset that is not lost begins at the earliest, and the position where it must end. */
  window(segment: number, offset: number): { from: number; fromOffset: number; to: number } {
    let from = 0
    let fromOffset = segment
    for (const range of this.#ranges) {
      if (range.segment !== segment) continue
      if (range.toOffset > offset) return { from, fromOffset, to: range.fromPosition }
      from = range.toPosition
      fromOffset = range.toOffset
    }
    return { from, fromOffset, to: Number.POSITIVE_INFINITY }
  }

  /** The end of the damaged bytes that begin here; undefined when none do. */
  endAt(segment: number, position: number): { position: number; nextOffset: number } | undefined {
    const range = this.#ranges.find(
      ({ fromPosition, toPosition, segment: base }) =>
        base === segment && fromPosition <= position && position < toPosition,
    )
    return range && { position: range.toPosition, nextOffset: range.toOffset }
  }

  /** The next damaged bytes in a segment. */
  nextIn(segment: number, position: number): DamagedRange | undefined {
    return this.#ranges.find(range => range.segment === segment && range.fromPosition >= position)
  }

  /** Lets go of bytes in segments that are gone, and of lost records that nobody may ask for any more. */
  dropBefore(baseOffset: number, logStartOffset: number): void {
    if (this.isEmpty) return
    this.#ranges = this.#ranges.filter(({ segment, fromPosition, toPosition, toOffset }) =>
      toPosition > fromPosition ? segment >= baseOffset : toOffset > logStartOffset,
    )
  }
}

function covers(known: DamagedRange, range: DamagedRange): boolean {
  return (
    known.segment === range.segment &&
    known.fromPosition <= range.fromPosition &&
    known.toPosition >= range.toPosition &&
    known.fromOffset <= range.fromOffset &&
    known.toOffset >= range.toOffset
  )
}

const belongsTogether = (a: DamagedRange, b: DamagedRange): boolean =>
  a.segment === b.segment && a.fromPosition <= b.toPosition && b.fromPosition <= a.toPosition && touch(a, b)

const touch = (a: DamagedRange, b: DamagedRange): boolean => a.fromOffset <= b.toOffset && b.fromOffset <= a.toOffset

const join = (a: DamagedRange, b: DamagedRange): DamagedRange => ({
  ...a,
  fromPosition: Math.min(a.fromPosition, b.fromPosition),
  toPosition: Math.max(a.toPosition, b.toPosition),
  fromOffset: Math.min(a.fromOffset, b.fromOffset),
  toOffset: Math.max(a.toOffset, b.toOffset),
})
