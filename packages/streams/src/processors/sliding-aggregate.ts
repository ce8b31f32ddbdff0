import type { Done, StreamRecord } from '../record.ts'
import type { Timestamped } from '../state/stores.ts'
import { type WindowAggregation, WindowedAggregate } from './window-aggregate.ts'

/** What a record does to a window: it is added to what is there, or what is there becomes a window that does not hold the record. */
interface WindowChange<A> {
  readonly start: number
  readonly before: Timestamped<A> | undefined
  readonly isCopy?: boolean
}

/** What the windows around a record tell. */
interface Surroundings<A> {
  readonly changes: WindowChange<A>[]
  readonly starts: Set<number>
  /** The latest record before this one, as far as a window ends with it or before this one's. */
  previous?: number
  /** The latest window that ended before this record. */
  endedBefore?: Timestamped<A>
  hasLeft: boolean
  /** The start of the window that holds records after this one, and the latest of them. */
  later?: { start: number; latest: number }
}

/**
 * Sliding windows (KIP-450). For every record there is the window that ends with it, its left one; and the window that begins right
 * after it, its right one, as soon as a record falls into it (streams facts 2.6). A window's timestamp is that of its latest record: by
 * this one sees whether there are records that need a window of their own.
 *
 *     records        a   b       c            d: the difference
 *     left      [..a][..b]  [....c]           [a-d, a] [b-d, b] [c-d, c]
 *     right         (b..]   (c..]             [a+1, a+1+d] holds b; [b+1, b+1+d] holds c
 *
 * Records before `d` since the epoch have no left window of full length: they share [0, d].
 */
export class SlidingAggregate<K, V, A> extends WindowedAggregate<K, V, A> {
  readonly #differenceMs: number

  constructor(aggregation: WindowAggregation<K, V, A>, differenceMs: number) {
    super(aggregation)
    this.#differenceMs = differenceMs
  }

  protected get needsValue(): boolean {
    return true
  }

  protected get closingSpanMs(): number {
    return this.#differenceMs + 1
  }

  protected newestStart(timestamp: number): number {
    return timestamp + 1
  }

  protected add(record: StreamRecord<K, V>, closeTime: number): Done {
    const { key, timestamp } = record
    if (timestamp + 1 + this.#differenceMs <= closeTime) {
      this.expired(Math.max(0, timestamp - this.#differenceMs), timestamp)
      return
    }
    const changes = timestamp < this.#differenceMs ? this.#early(key, timestamp) : this.#usual(key, timestamp)
    return this.#apply(changes, 0, record, closeTime)
  }

  #apply(changes: readonly WindowChange<A>[], from: number, record: StreamRecord<K, V>, closeTime: number): Done {
    for (let at = from; at < changes.length; at++) {
      const { start, before, isCopy } = changes[at]!
      const end = start + this.#differenceMs
      if (end < closeTime) this.expired(start, end)
      else {
        const waiting = isCopy
          ? this.keep({ ...record, timestamp: before!.timestamp }, start, end, before, before!.value)
          : this.update(record, start, end, before)
        if (waiting) return waiting.then(() => this.#apply(changes, at + 1, record, closeTime))
      }
    }
  }

  #usual(key: K, timestamp: number): readonly WindowChange<A>[] {
    const around = this.#look(key, timestamp)
    const { changes, starts, previous, endedBefore, hasLeft, later } = around
    if (previous !== undefined && !starts.has(previous + 1) && previous + 1 + this.#differenceMs >= timestamp)
      changes.push({ start: previous + 1, before: undefined })
    if (!hasLeft) {
      const start = timestamp - this.#differenceMs
      const reaches = previous !== undefined && previous >= start
      changes.push({ start, before: reaches ? endedBefore : undefined })
    }
    this.#split(key, timestamp, starts, later, changes)
    return changes
  }

  /** From the latest window down to the first that ended before the record. */
  #look(key: K, timestamp: number): Surroundings<A> {
    const around: Surroundings<A> = { changes: [], starts: new Set(), hasLeft: false }
    const from = Math.max(0, timestamp - 2 * this.#differenceMs)
    for (const [start, found] of this.windows.windows(key, { from, to: timestamp + 1, reverse: true })) {
      around.starts.add(start)
      if (start > timestamp) continue
      const end = start + this.#differenceMs
      if (end < timestamp) {
        around.endedBefore = found
        around.previous = found.timestamp
        return around
      }
      around.changes.push({ start, before: found })
      if (end > timestamp) around.later ??= { start, latest: found.timestamp }
      else {
        around.hasLeft = true
        if (found.timestamp < timestamp) around.previous = found.timestamp
        return around
      }
    }
    return around
  }

  #early(key: K, timestamp: number): readonly WindowChange<A>[] {
    const changes: WindowChange<A>[] = []
    const starts = new Set<number>()
    let first: Timestamped<A> | undefined
    let later: { start: number; latest: number } | undefined
    for (const [start, found] of this.windows.windows(key, { from: 0, to: timestamp + 1 })) {
      starts.add(start)
      if (start === 0) first = found
      else if (start <= timestamp) {
        later = { start, latest: found.timestamp }
        changes.push({ start, before: found })
      }
    }
    if (!later && first && first.timestamp > timestamp) later = { start: 0, latest: first.timestamp }
    this.#split(key, timestamp, starts, later, changes)
    if (first && first.timestamp < timestamp && !starts.has(first.timestamp + 1))
      changes.push({ start: first.timestamp + 1, before: undefined })
    changes.push({ start: 0, before: first })
    return changes
  }

  /** Records after this one get a window that begins after it. Read anew: a callback may change the aggregate it is given. */
  #split(
    key: K,
    timestamp: number,
    starts: ReadonlySet<number>,
    later: { start: number; latest: number } | undefined,
    changes: WindowChange<A>[],
  ): void {
    if (!later || later.latest <= timestamp || starts.has(timestamp + 1)) return
    changes.push({ start: timestamp + 1, before: this.windows.fetch(key, later.start), isCopy: true })
  }
}
