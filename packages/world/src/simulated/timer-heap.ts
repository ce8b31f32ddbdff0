/** What is due, soonest first; of the same time, first come first. A binary heap. */
export interface Due {
  readonly at: number
  readonly order: number
  readonly fire: () => void
  cancelled: boolean
}

export class TimerHeap {
  readonly #heap: Due[] = []
  #order = 0

  add(at: number, fire: () => void): Due {
    const due = { at, order: this.#order++, fire, cancelled: false }
    this.#heap.push(due)
    this.#rise(this.#heap.length - 1)
    return due
  }

  /** The soonest that was not cancelled. */
  peek(): Due | undefined {
    while (this.#heap[0]?.cancelled) this.#take()
    return this.#heap[0]
  }

  pop(): Due | undefined {
    return this.peek() && this.#take()
  }

  #take(): Due | undefined {
    const first = this.#heap[0]
    const last = this.#heap.pop()
    if (this.#heap.length > 0) {
      this.#heap[0] = last!
      this.#sink()
    }
    return first
  }

  #rise(from: number): void {
    const heap = this.#heap
    for (let i = from; i > 0; ) {
      const parent = (i - 1) >> 1
      if (!isSooner(heap[i]!, heap[parent]!)) return
      this.#swap(i, parent)
      i = parent
    }
  }

  #sink(): void {
    const heap = this.#heap
    for (let i = 0; ; ) {
      const left = 2 * i + 1
      let soonest = i
      if (left < heap.length && isSooner(heap[left]!, heap[soonest]!)) soonest = left
      if (left + 1 < heap.length && isSooner(heap[left + 1]!, heap[soonest]!)) soonest = left + 1
      if (soonest === i) return
      this.#swap(i, soonest)
      i = soonest
    }
  }

  #swap(i: number, j: number): void {
    const due = this.#heap[i]!
    this.#heap[i] = this.#heap[j]!
    this.#heap[j] = due
  }
}

function isSooner(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
