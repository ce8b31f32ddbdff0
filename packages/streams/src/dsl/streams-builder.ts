import type { Serde } from '@odradek/client'
import { NodeNames } from '../topology/node-names.ts'
import { userTopic } from '../topology/node-spec.ts'
import { Topology } from '../topology/topology.ts'
import { KStream } from './k-stream.ts'
import { onlyBytes } from './only-bytes.ts'

/** Where a topology is being built: the graph so far, and the counter that names its nodes. */
export interface Building {
  readonly topology: Topology
  readonly names: NodeNames
}

/** How records of a topic are read or written. Bytes where nothing is said. */
export interface Serdes<K, V> {
  key?: Serde<K>
  value?: Serde<V>
}

/**
 * Builds a topology from streams.
 *
 *     const builder = new StreamsBuilder()
 *     builder.stream('lines', { value: serde.string }).flatMapValues(line => line.split(' ')).to('words', { value: serde.string })
 *     const topology = builder.build()
 */
export class StreamsBuilder {
  readonly #building: Building = { topology: new Topology(), names: new NodeNames() }

  /** The records of one topic or several, each topic's partitions in order. */
  stream<K = Uint8Array | null, V = Uint8Array | null>(
    topics: string | readonly string[],
    serdes: Serdes<K, V> & { name?: string } = {},
  ): KStream<K, V> {
    const name = this.#building.names.node('KSTREAM-SOURCE-', serdes.name)
    const names = typeof topics === 'string' ? [topics] : topics
    this.#building.topology.add({
      kind: 'source',
      name,
      topics: names.map(userTopic),
      key: serdes.key ?? onlyBytes,
      value: serdes.value ?? onlyBytes,
    })
    return new KStream(this.#building, name, serdes, false)
  }

  build(): Topology {
    return this.#building.topology
  }
}
