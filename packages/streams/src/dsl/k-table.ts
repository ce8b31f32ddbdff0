import type { Serde } from '@odradek/client'
import type { Regrouping } from '../processors/regroup.ts'
import type { TableMapping } from '../processors/table-map.ts'
import { toStream } from '../processors/to-stream.ts'
import type { MaybePromise } from '../record.ts'
import { below, type NamedOptions, processorStep, type Serdes, serdesOf, type TableFlow } from './flow.ts'
import { type ForeignKeyJoiner, type ForeignKeyJoinOptions, foreignKeyJoin } from './foreign-key-join.ts'
import { KGroupedTable } from './k-grouped-table.ts'
import { KStream } from './k-stream.ts'
import { type Suppressed, suppress } from './suppress.ts'
import { tableGrouping } from './table-grouping.ts'
import { filterTable, mapTableValues, type TableMapOptions } from './table-map.ts'
import { type TableJoiner, type TableJoinOptions, tableTableJoin } from './table-table-join.ts'

/** Nothing that a function could be, where its answer would have to be waited for. */
type AtOnce<W> = [W] extends [PromiseLike<unknown>] ? 'callbacks of tables answer at once' : unknown

/** A table: the latest value of every key. Its changes pass as old and new value. Callbacks of tables answer at once: they are asked when somebody reads. */
export class KTable<K, V> {
  readonly #flow: TableFlow<K, V>

  constructor(flow: TableFlow<K, V>) {
    this.#flow = flow
  }

  /** The place in the plan, for operators that take other tables. */
  get flow(): TableFlow<K, V> {
    return this.#flow
  }

  /** Name of the store that can be asked for its values; undefined where there is none. */
  get queryableStore(): string | undefined {
    return this.#flow.queryableStore
  }

  /** The rows for which the predicate is true; one for which it becomes false is deleted. */
  filter<W extends V>(predicate: (value: V, key: K) => value is W, options?: TableMapOptions<K, W>): KTable<K, W>
  filter(predicate: (value: V, key: K) => boolean, options?: TableMapOptions<K, V>): KTable<K, V>
  filter(predicate: (value: V, key: K) => boolean, options: TableMapOptions<K, V> = {}): KTable<K, V> {
    return new KTable(filterTable(this.#flow, predicate, { ...options, wanted: true }))
  }

  filterNot(predicate: (value: V, key: K) => boolean, options: TableMapOptions<K, V> = {}): KTable<K, V> {
    return new KTable(filterTable(this.#flow, predicate, { ...options, wanted: false }))
  }

  /** A value of every value; null: there is no such row. */
  mapValues<W>(map: TableMapping<K, V, W> & AtOnce<W>, options: TableMapOptions<K, W> = {}): KTable<K, W> {
    return new KTable(mapTableValues(this.#flow, map, options))
  }

  /** Rows of both tables with one key. Both must have equal numbers of partitions. A joiner that answers null makes no row. */
  join<W, R>(
    other: KTable<K, W>,
    joiner: (left: V, right: W, key: K) => MaybePromise<R | null>,
    options: TableJoinOptions<K, R> = {},
  ): KTable<K, R> {
    return new KTable(
      tableTableJoin(this.#flow, other.flow, joiner as TableJoiner<K, V, W, R>, { ...options, kind: 'inner' }),
    )
  }

  /** … and this table's rows without one there. */
  leftJoin<W, R>(
    other: KTable<K, W>,
    joiner: (left: V, right: W | null, key: K) => MaybePromise<R | null>,
    options: TableJoinOptions<K, R> = {},
  ): KTable<K, R> {
    return new KTable(
      tableTableJoin(this.#flow, other.flow, joiner as TableJoiner<K, V, W, R>, { ...options, kind: 'left' }),
    )
  }

  /** … and those of either. */
  outerJoin<W, R>(
    other: KTable<K, W>,
    joiner: (left: V | null, right: W | null, key: K) => MaybePromise<R | null>,
    options: TableJoinOptions<K, R> = {},
  ): KTable<K, R> {
    return new KTable(tableTableJoin(this.#flow, other.flow, joiner, { ...options, kind: 'outer' }))
  }

  /**
   * Each row and the row of the other table it points to, which need not have its key nor as many partitions. Null: it points nowhere.
   * Rows tell each other of changes through two topics of the application's, which are named after the join.
   */
  joinByForeignKey<G, W, R>(
    other: KTable<G, W>,
    foreignKeyOf: (value: V, key: K) => G | null,
    joiner: (value: V, row: W, key: K) => MaybePromise<R | null>,
    options: ForeignKeyJoinOptions<K, G, R> = {},
  ): KTable<K, R> {
    const join = joiner as ForeignKeyJoiner<K, V, W, R>
    return new KTable(foreignKeyJoin(this.#flow, other.flow, { foreignKeyOf, join, isLeft: false }, options))
  }

  /** … and rows that point nowhere, or to a row that is not there. */
  leftJoinByForeignKey<G, W, R>(
    other: KTable<G, W>,
    foreignKeyOf: (value: V, key: K) => G | null,
    joiner: ForeignKeyJoiner<K, V, W, R>,
    options: ForeignKeyJoinOptions<K, G, R> = {},
  ): KTable<K, R> {
    return new KTable(foreignKeyJoin(this.#flow, other.flow, { foreignKeyOf, join: joiner, isLeft: true }, options))
  }

  /**
   * Groups rows by a new key: `[key, value]`, or null for a row that belongs to no group. Changes travel through a repartition topic; the
   * serdes say how they are written there, and `name` names it.
   */
  groupBy<G, W>(select: Regrouping<K, V, G, W>, options: Serdes<G, W> & NamedOptions = {}): KGroupedTable<G, W> {
    return new KGroupedTable(tableGrouping(this.#flow, select, options))
  }

  /** Holds changes back: `untilWindowCloses()` or `untilTimeLimit(…)`. */
  suppress(suppressed: Suppressed<K>, options: NamedOptions = {}): KTable<K, V> {
    return new KTable(suppress(this.#flow, suppressed, options))
  }

  /** Every change as a record of its own: the key, or the one that is selected, and its new value, null when it was deleted. */
  toStream(options?: NamedOptions): KStream<K, V | null>
  toStream<G>(
    options: NamedOptions & { select: (value: V | null, key: K) => MaybePromise<G>; key?: Serde<G> },
  ): KStream<G, V | null>
  toStream<G>(
    options: NamedOptions & { select?: (value: V | null, key: K) => MaybePromise<G>; key?: Serde<G> } = {},
  ): KStream<K, V | null> | KStream<G, V | null> {
    const { building, node, serdes } = this.#flow
    const name = building.names.node('KTABLE-TOSTREAM-', options.name)
    const stream = new KStream(
      below<K, V | null>(this.#flow, processorStep(name, [node.name], toStream), {
        serdes: serdesOf(serdes.key, serdes.value as Serde<V | null> | undefined),
        keyChanged: false,
      }),
    )
    return options.select ? stream.selectKey(options.select, options.key ? { key: options.key } : {}) : stream
  }
}
