import type { Serde } from '@odradek/client'
import type { Processor } from '../processor.ts'
import { flatMapValues } from '../processors/flat-map-values.ts'
import { selectKey } from '../processors/select-key.ts'
import { userTopic } from '../topology/node-spec.ts'
import { KGroupedStream } from './k-grouped-stream.ts'
import { onlyBytes } from './only-bytes.ts'
import type { Building, Serdes } from './streams-builder.ts'

/** A stream of records, each an event of its own. Operators add a node to the topology and answer the stream below it. */
export class KStream<K, V> {
  readonly #building: Building
  readonly #node: string
  readonly #serdes: Serdes<K, V>
  /** The key may have changed since the records were last partitioned by it: whatever needs equal keys together must repartition. */
  readonly #keyChanged: boolean

  constructor(building: Building, node: string, serdes: Serdes<K, V>, keyChanged: boolean) {
    this.#building = building
    this.#node = node
    this.#serdes = serdes
    this.#keyChanged = keyChanged
  }

  /** Every value becomes none, one or several; the key stays. */
  flatMapValues<W>(
    map: (value: V, key: K) => Iterable<W> | PromiseLike<Iterable<W>>,
    options: { value?: Serde<W>; name?: string } = {},
  ): KStream<K, W> {
    const name = this.#add(this.#building.names.node('KSTREAM-FLATMAPVALUES-', options.name), () => flatMapValues(map))
    const serdes = {
      ...(this.#serdes.key && { key: this.#serdes.key }),
      ...(options.value && { value: options.value }),
    }
    return new KStream<K, W>(this.#building, name, serdes, this.#keyChanged)
  }

  /**
   * Groups by a new key, for `count` and its like. Records travel through a repartition topic so that equal keys meet in one task; the
   * serdes say how they are written there, and `name` names it. A record whose new key is null is dropped.
   */
  groupBy<G>(
    select: (key: K, value: V) => G | PromiseLike<G>,
    options: Serdes<G, V> & { name?: string } = {},
  ): KGroupedStream<G, V> {
    const name = this.#add(this.#building.names.node('KSTREAM-KEY-SELECT-', options.name), () => selectKey(select))
    const value = options.value ?? this.#serdes.value
    return new KGroupedStream<G, V>(
      this.#building,
      name,
      { ...(options.key && { key: options.key }), ...(value && { value }) },
      options.name,
    )
  }

  /** Writes every record to a topic that exists, by its key's partition. */
  to(topic: string, serdes: Serdes<K, V> & { name?: string } = {}): void {
    const name = this.#building.names.node('KSTREAM-SINK-', serdes.name)
    const { key = this.#serdes.key ?? onlyBytes, value = this.#serdes.value ?? onlyBytes } = serdes
    this.#building.topology.add({ kind: 'sink', name, parents: [this.#node], topic: userTopic(topic), key, value })
  }

  #add(name: string, make: () => Processor): string {
    this.#building.topology.add({ kind: 'processor', name, parents: [this.#node], stores: [], make })
    return name
  }
}
