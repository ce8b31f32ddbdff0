import { serde } from '@odradek/client'
import { counting, reducing } from '../processors/folding.ts'
import type { MaybePromise } from '../record.ts'
import type { AggregateOptions } from './aggregation.ts'
import { KTable } from './k-table.ts'
import { type TableGrouping, tableAggregated } from './table-grouping.ts'

/**
 * Rows of a table by another key. When a row changes, its old value is taken from its group and the new one added to its own: first the
 * one, then the other (streams facts 2.13). Where these are two groups, there is a moment in which the row is in neither.
 */
export class KGroupedTable<K, V> {
  readonly #grouping: TableGrouping<K, V>

  constructor(grouping: TableGrouping<K, V>) {
    this.#grouping = grouping
  }

  /** How many rows each group has. */
  count(options: AggregateOptions<K, number> = {}): KTable<K, number> {
    const folding = { add: counting, subtract: (count: number) => count - 1 }
    const given = { value: serde.int64, ...options, prefix: 'KTABLE-AGGREGATE-' } as const
    return new KTable(tableAggregated(this.#grouping, folding, given))
  }

  /** The first value, and what `add` makes of it and each other; `subtract` undoes that. */
  reduce(
    add: (aggregate: V, value: V) => MaybePromise<V | null>,
    subtract: (aggregate: V, value: V) => MaybePromise<V | null>,
    options: AggregateOptions<K, V> = {},
  ): KTable<K, V> {
    const { value } = this.#grouping.serdes
    const given = { ...(value && { value }), ...options, prefix: 'KTABLE-REDUCE-' } as const
    return new KTable(tableAggregated(this.#grouping, { add: reducing(add), subtract }, given))
  }

  /** `initial`, and with each value that comes or goes what `add` or `subtract` makes of the aggregate. */
  aggregate<A>(
    initial: () => MaybePromise<A>,
    add: (aggregate: A, value: V, key: K) => MaybePromise<A | null>,
    subtract: (aggregate: A, value: V, key: K) => MaybePromise<A | null>,
    options: AggregateOptions<K, A> = {},
  ): KTable<K, A> {
    const next = add as (aggregate: A | null, value: V, key: K) => MaybePromise<A | null>
    const folding = { add: { initial, next }, subtract }
    return new KTable(tableAggregated(this.#grouping, folding, { ...options, prefix: 'KTABLE-AGGREGATE-' }))
  }
}
