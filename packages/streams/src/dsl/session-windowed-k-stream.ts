import { serde } from '@odradek/client'
import { counting, reducing } from '../processors/folding.ts'
import type { MaybePromise } from '../record.ts'
import type { Windowed } from '../state/stores.ts'
import { aggregated } from './aggregated.ts'
import { type AggregateOptions, type EmitStrategy, inSessions } from './aggregation.ts'
import type { Grouping } from './grouping.ts'
import { KTable } from './k-table.ts'
import type { SessionWindows } from './windows.ts'

/** Records by key and session. Where a record makes one session of two, the two are told of as deleted (streams facts 2.7). */
export class SessionWindowedKStream<K, V> {
  readonly #grouping: Grouping<K, V>
  readonly #windows: SessionWindows
  readonly #emit: EmitStrategy

  constructor(grouping: Grouping<K, V>, windows: SessionWindows, emit: EmitStrategy = 'on-window-update') {
    this.#grouping = grouping
    this.#windows = windows
    this.#emit = emit
  }

  /** Default: 'on-window-update'. */
  emitStrategy(emit: EmitStrategy): SessionWindowedKStream<K, V> {
    return new SessionWindowedKStream(this.#grouping, this.#windows, emit)
  }

  /** How many records each session has. */
  count(options: AggregateOptions<K, number> = {}): KTable<Windowed<K>, number> {
    const sessions = inSessions<K, number>(this.#windows, this.#emit, (one, other) => one! + other)
    const given = { value: serde.int64, ...options, prefix: 'KSTREAM-AGGREGATE-' } as const
    return new KTable(aggregated(this.#grouping, sessions, counting, given))
  }

  /** What `reduce` makes of all values of a session; where sessions become one, of their results. */
  reduce(
    reduce: (aggregate: V, value: V) => MaybePromise<V | null>,
    options: AggregateOptions<K, V> = {},
  ): KTable<Windowed<K>, V> {
    const { value } = this.#grouping.flow.serdes
    const merge = (one: V | null, other: V) => (one === null ? other : reduce(one, other))
    const sessions = inSessions<K, V>(this.#windows, this.#emit, merge)
    const given = { ...(value && { value }), ...options, prefix: 'KSTREAM-REDUCE-' } as const
    return new KTable(aggregated(this.#grouping, sessions, reducing(reduce), given))
  }

  /** `initial`, `merge`d with the sessions that the record joins, and then what `next` makes of it and the record. */
  aggregate<A>(
    initial: () => MaybePromise<A>,
    next: (aggregate: A, value: V, key: K) => MaybePromise<A | null>,
    merge: (one: A, other: A, key: K) => MaybePromise<A>,
    options: AggregateOptions<K, A> = {},
  ): KTable<Windowed<K>, A> {
    const sessions = inSessions<K, A>(this.#windows, this.#emit, (one, other, key) => merge(one!, other, key))
    const folding = { initial, next: next as (aggregate: A | null, value: V, key: K) => MaybePromise<A | null> }
    return new KTable(aggregated(this.#grouping, sessions, folding, { ...options, prefix: 'KSTREAM-AGGREGATE-' }))
  }
}
