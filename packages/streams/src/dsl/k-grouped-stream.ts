import { type Serde, serde } from '@odradek/client'
import { count } from '../processors/count.ts'
import { dropNullKeys } from '../processors/drop-null-keys.ts'
import { inMemoryKeyValueStore } from '../state/key-value-store.ts'
import { internalTopic } from '../topology/node-spec.ts'
import { KTable } from './k-table.ts'
import { onlyBytes } from './only-bytes.ts'
import type { Building, Serdes } from './streams-builder.ts'

/** Records by a key they were not partitioned by: an aggregation puts a repartition topic in between. */
export class KGroupedStream<K, V> {
  readonly #building: Building
  readonly #node: string
  readonly #serdes: Serdes<K, V>
  readonly #name: string | undefined
  /** The source of the repartition topic, once a named grouping has one. */
  #shared: string | undefined

  constructor(building: Building, node: string, serdes: Serdes<K, V>, name: string | undefined) {
    this.#building = building
    this.#node = node
    this.#serdes = serdes
    this.#name = name
  }

  /**
   * How many records each key has had. `store` names the store, and by it its changelog and, where the grouping has no name of its
   * own, the repartition topic. Name one of the two: a generated name changes when operators are added before it.
   */
  count(options: { store?: string; name?: string } = {}): KTable<K, number> {
    const { topology, names } = this.#building
    const storeName = options.store ?? names.store('KSTREAM-AGGREGATE-')
    const name = names.node('KSTREAM-AGGREGATE-', options.name)
    const key = this.#serdes.key ?? onlyBytes
    const source = this.#repartition(storeName, options.store, key)
    const store = inMemoryKeyValueStore<K, number>({ name: storeName, key, value: serde.int64 })
    topology.add({ kind: 'processor', name, parents: [source], stores: [store], make: () => count(storeName) })
    return new KTable<K, number>(this.#building, name, { key, value: serde.int64 })
  }

  /**
   * Sink, filter and source around the repartition topic; numbered in this order, as Kafka Streams does, or called after the name that
   * was given to the grouping or else to the store. Aggregations of a named grouping share one topic.
   */
  #repartition(storeName: string, givenStore: string | undefined, key: Serde<K>): string {
    const { topology, names } = this.#building
    const given = this.#name ?? givenStore
    const of = (part: string) => given && `${given}-repartition-${part}`
    const sink = names.node('KSTREAM-SINK-', of('sink'))
    const filter = names.node('KSTREAM-FILTER-', of('filter'))
    const source = names.node('KSTREAM-SOURCE-', of('source'))
    if (this.#shared !== undefined) return this.#shared
    if (this.#name !== undefined) this.#shared = source
    const topic = internalTopic(`${given ?? storeName}-repartition`)
    const value = this.#serdes.value ?? onlyBytes
    topology.add({ kind: 'processor', name: filter, parents: [this.#node], stores: [], make: dropNullKeys })
    topology.add({ kind: 'sink', name: sink, parents: [filter], topic, key, value })
    topology.add({ kind: 'source', name: source, topics: [topic], key, value })
    return source
  }
}
