import { serde } from '@odradek/client'
import { counting, type Folding, reducing } from '../processors/folding.ts'
import type { MaybePromise } from '../record.ts'
import type { Windowed } from '../state/stores.ts'
import { aggregated } from './aggregated.ts'
import { type AggregateOptions, type EmitStrategy, inWindows } from './aggregation.ts'
import type { Grouping } from './grouping.ts'
import { KTable } from './k-table.ts'
import type { TimeWindows } from './windows.ts'

/** Records by key and window of time. A record that is too late for a window does not count in it (streams facts 2.2). */
export class TimeWindowedKStream<K, V> {
  readonly #grouping: Grouping<K, V>
  readonly #windows: TimeWindows
  readonly #emit: EmitStrategy

  constructor(grouping: Grouping<K, V>, windows: TimeWindows, emit: EmitStrategy = 'on-window-update') {
    this.#grouping = grouping
    this.#windows = windows
    this.#emit = emit
  }

  /** Default: 'on-window-update'. */
  emitStrategy(emit: EmitStrategy): TimeWindowedKStream<K, V> {
    return new TimeWindowedKStream(this.#grouping, this.#windows, emit)
  }

  /** How many records each key has had in each window. */
  count(options: AggregateOptions<K, number> = {}): KTable<Windowed<K>, number> {
    const folding: Folding<K, V, number> = counting
    return this.#aggregated(folding, { value: serde.int64, ...options, prefix: 'KSTREAM-AGGREGATE-' })
  }

  /** The first value of a window, and with each other one what `reduce` makes of the two. */
  reduce(
    reduce: (aggregate: V, value: V) => MaybePromise<V | null>,
    options: AggregateOptions<K, V> = {},
  ): KTable<Windowed<K>, V> {
    const { value } = this.#grouping.flow.serdes
    return this.#aggregated(reducing(reduce), { ...(value && { value }), ...options, prefix: 'KSTREAM-REDUCE-' })
  }

  /** `initial` in each window, and with each value what `next` makes of the aggregate. */
  aggregate<A>(
    initial: () => MaybePromise<A>,
    next: (aggregate: A, value: V, key: K) => MaybePromise<A | null>,
    options: AggregateOptions<K, A> = {},
  ): KTable<Windowed<K>, A> {
    const folding = { initial, next: next as Folding<K, V, A>['next'] }
    return this.#aggregated(folding, { ...options, prefix: 'KSTREAM-AGGREGATE-' })
  }

  #aggregated<A>(folding: Folding<K, V, A>, options: Parameters<typeof aggregated<K, V, Windowed<K>, A>>[3]) {
    return new KTable(aggregated(this.#grouping, inWindows<K, A>(this.#windows, this.#emit), folding, options))
  }
}
