import { serde } from '@odradek/client'
import { counting, reducing } from '../processors/folding.ts'
import type { MaybePromise } from '../record.ts'
import { aggregated } from './aggregated.ts'
import { type AggregateOptions, keyed } from './aggregation.ts'
import { CogroupedKStream } from './cogrouped-k-stream.ts'
import type { StreamFlow } from './flow.ts'
import { Grouping } from './grouping.ts'
import { KTable } from './k-table.ts'
import { SessionWindowedKStream } from './session-windowed-k-stream.ts'
import { TimeWindowedKStream } from './time-windowed-k-stream.ts'
import type { SessionWindows, TimeWindows } from './windows.ts'

/**
 * Records by key, to be aggregated: for all time, or in windows. Records without a key or a value are passed over. `store` names the
 * result's store, and by it its changelog and, where the grouping has no name of its own, the repartition topic. Name one of the two: a
 * generated name changes when operators are added before it.
 */
export class KGroupedStream<K, V> {
  /** For operators that take other groupings. */
  readonly grouping: Grouping<K, V>

  constructor(flow: StreamFlow<K, V>, name: string | undefined) {
    this.grouping = new Grouping(flow, name)
  }

  /** How many records each key has had. */
  count(options: AggregateOptions<K, number> = {}): KTable<K, number> {
    const given = { value: serde.int64, ...options, prefix: 'KSTREAM-AGGREGATE-' } as const
    return new KTable(aggregated(this.grouping, keyed(), counting, given))
  }

  /** The first value, and with each other one what `reduce` makes of the two. Null: nothing is left. */
  reduce(
    reduce: (aggregate: V, value: V) => MaybePromise<V | null>,
    options: AggregateOptions<K, V> = {},
  ): KTable<K, V> {
    const { value } = this.grouping.flow.serdes
    const given = { ...(value && { value }), ...options, prefix: 'KSTREAM-REDUCE-' } as const
    return new KTable(aggregated(this.grouping, keyed<K, V>(), reducing(reduce), given))
  }

  /** `initial`, and with each value what `next` makes of the aggregate. Null: the key is removed, and begins anew with its next record. */
  aggregate<A>(
    initial: () => MaybePromise<A>,
    next: (aggregate: A, value: V, key: K) => MaybePromise<A | null>,
    options: AggregateOptions<K, A> = {},
  ): KTable<K, A> {
    const folding = { initial, next: next as (aggregate: A | null, value: V, key: K) => MaybePromise<A | null> }
    return new KTable(aggregated(this.grouping, keyed<K, A>(), folding, { ...options, prefix: 'KSTREAM-AGGREGATE-' }))
  }

  /** `tumbling`, `hopping`, `sliding`, `unlimited`; or `session`. */
  windowedBy(windows: SessionWindows): SessionWindowedKStream<K, V>
  windowedBy(windows: TimeWindows): TimeWindowedKStream<K, V>
  windowedBy(windows: SessionWindows | TimeWindows): SessionWindowedKStream<K, V> | TimeWindowedKStream<K, V> {
    return windows.kind === 'session'
      ? new SessionWindowedKStream(this.grouping, windows)
      : new TimeWindowedKStream(this.grouping, windows)
  }

  /** One aggregate of several groupings: this one's values by `next`, those of others by the `cogroup`s that follow (KIP-150). */
  cogroup<A>(next: (aggregate: A, value: V, key: K) => MaybePromise<A | null>): CogroupedKStream<K, A> {
    return new CogroupedKStream<K, A>([{ grouping: this.grouping, next }])
  }
}
