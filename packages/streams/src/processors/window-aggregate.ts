import { type Change, changeOf } from '../change.ts'
import { isPromise, type Processor, type ProcessorContext } from '../processor.ts'
import { type Done, isNothing, type StreamRecord } from '../record.ts'
import type { Timestamped, Windowed, WindowStore } from '../state/stores.ts'
import { FinalResults } from './final-results.ts'
import { type Folding, fold } from './folding.ts'
import { type Forwarder, forwarderOf } from './forwarder.ts'

export interface WindowAggregation<K, V, A> {
  readonly store: string
  readonly folding: Folding<K, V, A>
  readonly sendsOldValues: boolean
  readonly emitsOnClose: boolean
  readonly graceMs: number
}

/** What windows of every kind have in common: stream time, and how a window gets one record more. */
export abstract class WindowedAggregate<K, V, A> implements Processor<K, V, Windowed<K>, Change<A>> {
  readonly #aggregation: WindowAggregation<K, V, A>
  protected readonly graceMs: number
  protected context!: ProcessorContext<Windowed<K>, Change<A>>
  protected windows!: WindowStore<K, A>
  /** Largest timestamp seen here; not kept (streams facts 2.1). */
  #streamTime = -1
  #forward!: Forwarder<Windowed<K>, A>
  #final: FinalResults<K, A> | undefined

  constructor(aggregation: WindowAggregation<K, V, A>) {
    this.#aggregation = aggregation
    this.graceMs = aggregation.graceMs
  }

  init(context: ProcessorContext<Windowed<K>, Change<A>>): void {
    const { store, emitsOnClose, sendsOldValues } = this.#aggregation
    this.context = context
    this.windows = context.store(store)
    if (!emitsOnClose) {
      this.#forward = forwarderOf(this.windows, context, sendsOldValues)
      return
    }
    const { windows } = this
    this.#forward = () => {}
    this.#final = new FinalResults(context, store, {
      spanMs: this.closingSpanMs,
      *between(from, to) {
        for (const [window, found] of windows.allWindows({ from, to })) yield { window, ...found }
      },
    })
  }

  /** Where it does not, a record without a value counts as any other. */
  protected abstract readonly needsValue: boolean
  /** A window is closed when so much has passed since its start, beyond its grace. */
  protected abstract readonly closingSpanMs: number
  /** The latest start of a window that the record may make. */
  protected abstract newestStart(timestamp: number): number
  protected abstract add(record: StreamRecord<K, V>, closeTime: number): Done

  process(record: StreamRecord<K, V>): Done {
    const { key, timestamp, headers } = record
    if (isNothing(key) || (this.needsValue && isNothing(record.value))) {
      this.context.dropped(`a record to be aggregated has no key${this.needsValue ? ' or no value' : ''}`)
      return
    }
    // Before the record is judged (streams facts 2.4).
    if (timestamp > this.#streamTime) this.#streamTime = timestamp
    const closeTime = this.#streamTime - this.graceMs
    if (this.#final) {
      const storedFrom = this.newestStart(timestamp) - this.windows.retentionMs + 1
      const waiting = this.#final.emit(closeTime, storedFrom, headers)
      if (waiting) return waiting.then(() => this.add(record, closeTime))
    }
    return this.add(record, closeTime)
  }

  protected expired(start: number, end: number): void {
    this.context.dropped(`its window from ${start} to ${end} is closed`)
  }

  /** The window gets the record, upon what was there or what it is to begin with. */
  protected update(record: StreamRecord<K, V>, start: number, end: number, before: Timestamped<A> | undefined): Done {
    const after = fold(this.#aggregation.folding, before, record.value, record.key)
    if (!isPromise(after)) return this.keep(record, start, end, before, after)
    return Promise.resolve(after).then(settled => this.keep(record, start, end, before, settled))
  }

  protected keep(
    { key, timestamp, headers }: StreamRecord<K, V>,
    start: number,
    end: number,
    before: Timestamped<A> | undefined,
    after: A | null,
  ): Done {
    const newest = before !== undefined && before.timestamp > timestamp ? before.timestamp : timestamp
    const oldValue = this.#aggregation.sendsOldValues ? (this.windows.fetch(key, start)?.value ?? null) : null
    this.windows.put(key, after ?? null, start, newest)
    if (this.#final) return
    const value = changeOf(after ?? null, oldValue)
    return this.#forward({ key: { key, start, end }, value, timestamp: newest, headers })
  }
}

/** How windows that begin at fixed times follow each other. */
export interface Alignment {
  readonly sizeMs: number
  /** Infinite: there is one window. */
  readonly advanceMs: number
  /** Of the first window. */
  readonly origin: number
}

/**
 * Tumbling, hopping and unlimited windows. A record counts in each of its windows that ends after stream time less grace; for those
 * that are closed it is dropped (streams facts 2.2).
 */
export class AlignedAggregate<K, V, A> extends WindowedAggregate<K, V, A> {
  readonly #alignment: Alignment

  constructor(aggregation: WindowAggregation<K, V, A>, alignment: Alignment) {
    super(aggregation)
    this.#alignment = alignment
  }

  protected get needsValue(): boolean {
    return false
  }

  protected get closingSpanMs(): number {
    return this.#alignment.sizeMs
  }

  protected newestStart(timestamp: number): number {
    return timestamp - (timestamp % this.#alignment.advanceMs)
  }

  protected add(record: StreamRecord<K, V>, closeTime: number): Done {
    const { sizeMs, advanceMs, origin } = this.#alignment
    if (advanceMs === Number.POSITIVE_INFINITY) return this.#addFrom(origin, record, closeTime)
    const eldest = record.timestamp - sizeMs + advanceMs
    return this.#addFrom(eldest <= 0 ? 0 : eldest - (eldest % advanceMs), record, closeTime)
  }

  #addFrom(first: number, record: StreamRecord<K, V>, closeTime: number): Done {
    const { sizeMs, advanceMs } = this.#alignment
    for (let start = first; start <= record.timestamp; start += advanceMs) {
      const end = start + sizeMs
      if (end <= closeTime) this.expired(start, end)
      else {
        const waiting = this.update(record, start, end, this.windows.fetch(record.key, start))
        if (waiting) return waiting.then(() => this.#addFrom(start + advanceMs, record, closeTime))
      }
    }
  }
}
