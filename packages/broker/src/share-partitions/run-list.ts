import { areAlike, type OffsetRange, type RecordRun } from './record-run.ts'

/**
 * Runs side by side, without a gap: the records from the start offset up to the first that was never given out. Neighbours differ, so
 * the list is as long as the records are various, however many they are.
 *
 *     start                              end
 *       ├───done───┤─acquired─┤─available─┤─acquired─┤
 */
export class RunList {
  #runs: RecordRun[] = []
  #start: number

  constructor(start: number) {
    this.#start = start
  }

  get start(): number {
    return this.#start
  }

  /** The first offset that no run covers. */
  get end(): number {
    const last = this.#runs.at(-1)
    return last ? last.last + 1 : this.#start
  }

  get runs(): readonly RecordRun[] {
    return this.#runs
  }

  /** The place of the run that covers an offset from `start` up to `end`. */
  indexOf(offset: number): number {
    let low = 0
    let high = this.#runs.length - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#runs[middle]!.last < offset) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Continues the list. */
  append(run: RecordRun): void {
    const last = this.#runs.at(-1)
    if (last && areAlike(last, run)) this.#runs[this.#runs.length - 1] = { ...last, last: run.last }
    else this.#runs.push(run)
  }

  /**
   * Puts what `become` makes of them in the place of the parts of runs that lie within `ranges`, which ascend, do not overlap, and lie
   * within the list. One pass, however many ranges there are.
   */
  change<R extends OffsetRange>(ranges: readonly R[], become: (part: RecordRun, range: R) => RecordRun): void {
    if (ranges.length === 0) return
    const from = this.indexOf(ranges[0]!.first)
    const changed = new Neighbours()
    if (from > 0) changed.add(this.#runs[from - 1]!)
    let next = 0
    let at = from
    for (; at < this.#runs.length && next < ranges.length; at++) {
      const run = this.#runs[at]!
      let first = run.first
      while (next < ranges.length && ranges[next]!.first <= run.last) {
        const range = ranges[next]!
        if (range.first > first) changed.add({ ...run, first, last: range.first - 1 })
        const part = { ...run, first: Math.max(range.first, first), last: Math.min(range.last, run.last) }
        changed.add(become(part, range))
        first = part.last + 1
        if (range.last > run.last) break
        next++
      }
      if (first <= run.last) changed.add(first === run.first ? run : { ...run, first })
    }
    if (at < this.#runs.length) changed.add(this.#runs[at++]!)
    this.#splice(Math.max(0, from - 1), at, changed.runs)
  }

  /** The same for every run; nothing happens when none of them changes. */
  changeAll(become: (run: RecordRun) => RecordRun): void {
    const changed = new Neighbours()
    let isChanged = false
    for (const run of this.#runs) {
      const now = become(run)
      if (now !== run) isChanged = true
      changed.add(now)
    }
    if (isChanged) this.#runs = changed.runs
  }

  /** Forgets what lies before an offset, and begins there. */
  dropBefore(offset: number): void {
    if (offset <= this.#start) return
    let gone = 0
    while (gone < this.#runs.length && this.#runs[gone]!.last < offset) gone++
    this.#runs.splice(0, gone)
    const first = this.#runs[0]
    if (first && first.first < offset) this.#runs[0] = { ...first, first: offset }
    this.#start = offset
  }

  #splice(from: number, to: number, runs: RecordRun[]): void {
    // Most changes touch a few runs in place; only others move the tail.
    if (to - from === runs.length) for (let i = 0; i < runs.length; i++) this.#runs[from + i] = runs[i]!
    else this.#runs = [...this.#runs.slice(0, from), ...runs, ...this.#runs.slice(to)]
  }
}

/** Runs in order, where those that are alike become one. */
class Neighbours {
  readonly runs: RecordRun[] = []

  add(run: RecordRun): void {
    const before = this.runs.at(-1)
    if (before && areAlike(before, run)) this.runs[this.runs.length - 1] = { ...before, last: run.last }
    else this.runs.push(run)
  }
}
