import type { Topology } from '../topology/topology.ts'
import { Building } from './building.ts'
import type { NamedOptions, Serdes } from './flow.ts'
import { KStream } from './k-stream.ts'
import { type SourceOptions, streamSource } from './stream-source.ts'

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

  build(): Topology {
    return this.#building.build()
  }
}
