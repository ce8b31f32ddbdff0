import type { Serde } from '@odradek/client'
import type { Predicate, Several } from '../processors/stateless.ts'
import type { MaybePromise } from '../record.ts'
import type { TopicChoice } from '../topology/node-spec.ts'
import { type NamedOptions, type Serdes, type StreamFlow, serdesOf } from './flow.ts'
import { GlobalKTable } from './global-k-table.ts'
import { KGroupedStream } from './k-grouped-stream.ts'
import { KTable } from './k-table.ts'
import {
  type FixedKeyProcessor,
  type ProcessOptions,
  type ProcessorSupplier,
  process,
  processValues,
} from './processing.ts'
import { shown } from './shown.ts'
import { type Branches, type SplitOptions, split } from './split.ts'
import * as stateless from './stateless.ts'
import { mustBeOptions } from './store-option.ts'
import { type GlobalLookupOptions, streamGlobalJoin } from './stream-global-join.ts'
import { type StreamJoiner, type StreamJoinOptions, streamStreamJoin } from './stream-stream-join.ts'
import { type RowJoiner, streamTableJoin, type TableLookupOptions } from './stream-table-join.ts'
import { streamToTable, type ToTableOptions } from './stream-to-table.ts'

/**
 * A stream of records, each an event of its own. Operators add a node to the topology and answer the stream below it.
 * Callbacks get `(value, key)` and answer with values or with promises of them; what a topic has as null, they get as null.
 */
export class KStream<K, V> {
  readonly #flow: StreamFlow<K, V>

  constructor(flow: StreamFlow<K, V>) {
    this.#flow = flow
  }

  /** The place in the plan, for operators that take other streams. */
  get flow(): StreamFlow<K, V> {
    return this.#flow
  }

  /** Those for which the predicate is true; one that tells a type apart, as `value => value !== null`, narrows the stream's. */
  filter<W extends V>(predicate: (value: V, key: K) => value is W, options?: NamedOptions): KStream<K, W>
  filter(predicate: Predicate<K, V>, options?: NamedOptions): KStream<K, V>
  filter(predicate: Predicate<K, V>, options: NamedOptions = {}): KStream<K, V> {
    return new KStream(stateless.filter(this.#flow, predicate, { ...options, wanted: true }))
  }

  filterNot(predicate: Predicate<K, V>, options: NamedOptions = {}): KStream<K, V> {
    return new KStream(stateless.filter(this.#flow, predicate, { ...options, wanted: false }))
  }

  /** A new key for every record; what needs equal keys together repartitions. */
  selectKey<G>(
    select: (value: V, key: K) => MaybePromise<G>,
    options: NamedOptions & { key?: Serde<G> } = {},
  ): KStream<G, V> {
    return new KStream(stateless.selectKey(this.#flow, select, options))
  }

  /** `[key, value]` for every record. */
  map<G, W>(
    map: (value: V, key: K) => MaybePromise<readonly [G, W]>,
    options: NamedOptions & Serdes<G, W> = {},
  ): KStream<G, W> {
    return new KStream(stateless.map(this.#flow, map, options))
  }

  /** A new value; the key stays. */
  mapValues<W>(
    map: (value: V, key: K) => MaybePromise<W>,
    options: NamedOptions & { value?: Serde<W> } = {},
  ): KStream<K, W> {
    return new KStream(stateless.mapValues(this.#flow, map, options))
  }

  /** None, one or several `[key, value]` for every record. */
  flatMap<G, W>(
    map: (value: V, key: K) => Several<readonly [G, W]>,
    options: NamedOptions & Serdes<G, W> = {},
  ): KStream<G, W> {
    return new KStream(stateless.flatMap(this.#flow, map, options))
  }

  /** Every value becomes none, one or several; the key stays. */
  flatMapValues<W>(
    map: (value: V, key: K) => Several<W>,
    options: NamedOptions & { value?: Serde<W> } = {},
  ): KStream<K, W> {
    return new KStream(stateless.flatMapValues(this.#flow, map, options))
  }

  /** Looks at every record and passes it on. */
  peek(look: (value: V, key: K) => MaybePromise<unknown>, options: NamedOptions = {}): KStream<K, V> {
    return new KStream(stateless.peek(this.#flow, look, options))
  }

  /** The end of the stream: does something with every record. */
  foreach(take: (value: V, key: K) => MaybePromise<unknown>, options: NamedOptions = {}): void {
    stateless.foreach(this.#flow, take, options)
  }

  /** Prints every record to the console, after a label: `plays: uk {"song":1}`. */
  log(label: string, options: NamedOptions = {}): void {
    const print = (value: V, key: K) => console.log(`${label}: ${shown(key)} ${shown(value)}`)
    stateless.foreach(this.#flow, print, { ...options, prefix: 'KSTREAM-PRINTER-' })
  }

  /**
   * Each record goes to the first branch whose predicate is true, those of none to the branch named by `rest`, or nowhere.
   *
   *     const { large, small } = plays.split({ large: play => play.ms > 600_000 }, { rest: 'small' })
   */
  split<B extends Branches<K, V>, R extends string = never>(
    branches: B,
    options: SplitOptions & { rest?: R } = {},
  ): Record<keyof B | R, KStream<K, V>> {
    const flows = split(this.#flow, branches, options)
    return Object.fromEntries(Array.from(flows, ([name, flow]) => [name, new KStream(flow)])) as never
  }

  /** This stream and another as one. */
  merge(other: KStream<K, V>, options: NamedOptions = {}): KStream<K, V> {
    return new KStream(stateless.merge(this.#flow, other.flow, options))
  }

  /** Sends the records through a topic of the application's, by their keys as they are now. */
  repartition(options: stateless.RepartitionedOptions<K, V> = {}): KStream<K, V> {
    return new KStream(stateless.repartitioned(this.#flow, options))
  }

  /** The latest value of every key. */
  toTable(options: ToTableOptions<K, NonNullable<V>> = {}): KTable<K, NonNullable<V>> {
    return new KTable(streamToTable(this.#flow as StreamFlow<K, NonNullable<V>>, options))
  }

  /**
   * With another stream: each pair of records of one key within the window (`joinWindow`). With a table: each record and the row of its
   * key; both sides must have equal numbers of partitions. With a global table: each record and the row `on` names. A null value is
   * joined with nothing.
   */
  join<W, R>(
    other: KStream<K, W>,
    joiner: StreamJoiner<K, NonNullable<V>, NonNullable<W>, R>,
    options: StreamJoinOptions<K, V, W>,
  ): KStream<K, R>
  join<W, R>(
    table: KTable<K, W>,
    joiner: RowJoiner<K, NonNullable<V>, W, R>,
    options?: TableLookupOptions<K, V>,
  ): KStream<K, R>
  join<G, W, R>(
    table: GlobalKTable<G, W>,
    joiner: RowJoiner<K, NonNullable<V>, W, R>,
    options: GlobalLookupOptions<K, V, G>,
  ): KStream<K, R>
  join(other: KStream<K, any> | KTable<K, any> | GlobalKTable<any, any>, joiner: any, options?: any): KStream<K, any> {
    return new KStream(joinFlows(this.#flow, other, joiner, options, 'inner'))
  }

  /** As `join`, and each record that finds nobody, with null; beside a stream, once its window and grace have passed (KIP-633). */
  leftJoin<W, R>(
    other: KStream<K, W>,
    joiner: StreamJoiner<K, NonNullable<V>, NonNullable<W> | null, R>,
    options: StreamJoinOptions<K, V, W>,
  ): KStream<K, R>
  leftJoin<W, R>(
    table: KTable<K, W>,
    joiner: RowJoiner<K, NonNullable<V>, W | null, R>,
    options?: TableLookupOptions<K, V>,
  ): KStream<K, R>
  leftJoin<G, W, R>(
    table: GlobalKTable<G, W>,
    joiner: RowJoiner<K, NonNullable<V>, W | null, R>,
    options: GlobalLookupOptions<K, V, G>,
  ): KStream<K, R>
  leftJoin(
    other: KStream<K, any> | KTable<K, any> | GlobalKTable<any, any>,
    joiner: any,
    options?: any,
  ): KStream<K, any> {
    return new KStream(joinFlows(this.#flow, other, joiner, options, 'left'))
  }

  /** Both streams' records that find nobody are results, too. */
  outerJoin<W, R>(
    other: KStream<K, W>,
    joiner: StreamJoiner<K, NonNullable<V> | null, NonNullable<W> | null, R>,
    options: StreamJoinOptions<K, V, W>,
  ): KStream<K, R> {
    return new KStream(streamStreamJoin(this.#flow, other.flow, joiner, { ...options, kind: 'outer' }))
  }

  /** A processor of one's own, which may change keys, keep stores, and run by the clock. */
  process<KOut, VOut>(
    supplier: ProcessorSupplier<K, V, KOut, VOut>,
    options: ProcessOptions<KOut, VOut> = {},
  ): KStream<KOut, VOut> {
    return new KStream(process(this.#flow, supplier, options))
  }

  /** A processor that cannot change keys, so that nothing need be repartitioned. */
  processValues<VOut>(
    supplier: () => FixedKeyProcessor<K, V, VOut>,
    options: ProcessOptions<K, VOut> = {},
  ): KStream<K, VOut> {
    return new KStream(processValues(this.#flow, supplier, options))
  }

  /** Groups by the key that records have, for `count` and its like: repartitions only where the key may have changed. */
  groupByKey(options: Serdes<K, V> & NamedOptions = {}): KGroupedStream<K, V> {
    mustBeOptions(options)
    const { key = this.#flow.serdes.key, value = this.#flow.serdes.value } = options
    return new KGroupedStream({ ...this.#flow, serdes: serdesOf(key, value) }, options.name)
  }

  /**
   * Groups by a new key, for `count` and its like. Records travel through a repartition topic so that equal keys meet in one task; the
   * serdes say how they are written there, and `name` names it. A record whose new key is null is dropped.
   */
  groupBy<G>(
    select: (value: V, key: K) => MaybePromise<G>,
    options: Serdes<G, V> & NamedOptions = {},
  ): KGroupedStream<G, V> {
    mustBeOptions(options)
    const flow = stateless.selectKey(this.#flow, select, options)
    return new KGroupedStream(
      { ...flow, serdes: serdesOf(options.key, options.value ?? this.#flow.serdes.value) },
      options.name,
    )
  }

  /** Writes every record to a topic that exists, or to the one chosen for it. */
  to(topic: string | TopicChoice, options: stateless.SinkOptions<K, V> = {}): void {
    stateless.sink(this.#flow, topic, options)
  }
}

/** What a stream is joined with decides how. */
function joinFlows(
  flow: StreamFlow,
  other: KStream<any, any> | KTable<any, any> | GlobalKTable<any, any>,
  joiner: any,
  options: any,
  kind: 'inner' | 'left',
): StreamFlow {
  if (other instanceof KStream) return streamStreamJoin(flow, other.flow, joiner, { ...options, kind })
  if (other instanceof GlobalKTable)
    return streamGlobalJoin(flow, other.flow, joiner, { ...options, isLeft: kind === 'left' })
  return streamTableJoin(flow, other.flow, joiner, { ...options, isLeft: kind === 'left' })
}
