import { toStream } from '../processors/to-stream.ts'
import { KStream } from './k-stream.ts'
import type { Building, Serdes } from './streams-builder.ts'

/** A table: the latest value of every key. Its changes pass as old and new value. */
export class KTable<K, V> {
  readonly #building: Building
  readonly #node: string
  readonly #serdes: Serdes<K, V>

  constructor(building: Building, node: string, serdes: Serdes<K, V>) {
    this.#building = building
    this.#node = node
    this.#serdes = serdes
  }

  /** Every change as a record of its own: the key and its new value. */
  toStream(options: { name?: string } = {}): KStream<K, V> {
    const name = this.#building.names.node('KTABLE-TOSTREAM-', options.name)
    this.#building.topology.add({ kind: 'processor', name, parents: [this.#node], stores: [], make: toStream })
    return new KStream<K, V>(this.#building, name, this.#serdes, false)
  }
}
