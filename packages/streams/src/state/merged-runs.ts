import type { SortedRun } from './sorted-run.ts'

/** All of several runs in key order. Of a key that is in more than one, the last run's record. */
export class MergedRuns {
  readonly #heap: { run: SortedRun; age: number }[] = []

  /** The eldest first. */
  constructor(runs: readonly SortedRun[]) {
    for (const [age, run] of runs.entries()) if (run.begin()) this.#heap.push({ run, age })
    for (let i = this.#heap.length >>> 1; i-- > 0; ) this.#sink(i)
  }

  /** Stands at the record that is next; undefined: there is none. */
  get current(): SortedRun | undefined {
    return this.#heap[0]?.run
  }

  next(): void {
    const heap = this.#heap
    const { run } = heap[0]!
    while (heap.length > 1 && this.#isPassedByAnother(run)) this.#advance(this.#firstChild())
    this.#advance(0)
  }

  /** Another run has an elder record of the same key. */
  #isPassedByAnother(run: SortedRun): boolean {
    return this.#heap[this.#firstChild()]!.run.compare(run) === 0
  }

  #firstChild(): number {
    return this.#heap.length > 2 && this.#isBefore(2, 1) ? 2 : 1
  }

  #advance(i: number): void {
    const heap = this.#heap
    if (!heap[i]!.run.next()) {
      const last = heap.pop()!
      if (i === heap.length) return
      heap[i] = last
    }
    this.#sink(i)
  }

  #sink(from: number): void {
    const heap = this.#heap
    for (let i = from; ; ) {
      let first = i
      const child = 2 * i + 1
      if (child < heap.length && this.#isBefore(child, first)) first = child
      if (child + 1 < heap.length && this.#isBefore(child + 1, first)) first = child + 1
      if (first === i) return
      const moved = heap[i]!
      heap[i] = heap[first]!
      heap[first] = moved
      i = first
    }
  }

  #isBefore(i: number, other: number): boolean {
    const one = this.#heap[i]!
    const two = this.#heap[other]!
    const difference = one.run.compare(two.run)
    return difference !== 0 ? difference < 0 : one.age > two.age
  }
}
