import type { StoreSpec } from '../state/state-store.ts'
import type { GlobalStoreOptions } from '../topology/node-options.ts'
import type { Topology } from '../topology/topology.ts'
import { Building } from './building.ts'
import { mustNameTopics } from './explicit-names.ts'
import { filledStore } from './filled-store.ts'
import type { NamedOptions, Serdes } from './flow.ts'
import { GlobalKTable } from './global-k-table.ts'
import { type GlobalTableOptions, globalTable } from './global-table.ts'
import { KStream } from './k-stream.ts'
import { KTable } from './k-table.ts'
import { type SourceOptions, streamSource } from './stream-source.ts'
import { type TableOptions, tableSource } from './table-source.ts'

/**
 * Builds a topology from streams.
 *
 *     const builder = new StreamsBuilder()
 *     builder.stream('lines', { value: serde.string }).flatMapValues(line => line.split(' ')).to('words', { value: serde.string })
 *     const topology = builder.build()
 */
export class StreamsBuilder {
  readonly #building = new Building()

  /** The records of one topic or several, or of all whose names match; each topic's partitions in order. */
  stream<K = Uint8Array | null, V = Uint8Array | null>(
    topics: string | readonly string[] | RegExp,
    options: Serdes<K, V> & NamedOptions & SourceOptions = {},
  ): KStream<K, V> {
    return new KStream(streamSource<K, V>(this.#building, topics, options))
  }

  /** The latest value of every key of a topic. */
  table<K = Uint8Array, V = Uint8Array>(topic: string, options: TableOptions<K, V> = {}): KTable<K, V> {
    return new KTable(tableSource(this.#building, topic, options))
  }

  /** All rows of a topic, in every instance: streams look them up by any key. */
  globalTable<K = Uint8Array, V = Uint8Array>(
    topic: string,
    options: GlobalTableOptions<K, V> = {},
  ): GlobalKTable<K, V> {
    return new GlobalKTable(globalTable(this.#building, topic, options))
  }

  /** A store for processors that name it. */
  addStateStore(store: StoreSpec): this {
    this.#building.add({
      name: `store ${store.name}`,
      parents: [],
      write: topology => void topology.addStateStore(store),
    })
    return this
  }

  /** A store that every instance fills with all partitions of a topic by a processor of its own; every processor can read it. */
  addGlobalStore(store: StoreSpec, options: Omit<GlobalStoreOptions, 'source' | 'name'>): this {
    filledStore(this.#building, store, options)
    return this
  }

  /**
   * The topology as it has been told so far. With `explicitNames` everything that reaches a topic must have a name of its own, so that
   * operators can be added without losing state (KIP-1111).
   */
  build({ explicitNames = false }: { explicitNames?: boolean } = {}): Topology {
    const topology = this.#building.build()
    if (explicitNames) mustNameTopics(topology)
    return topology
  }
}
