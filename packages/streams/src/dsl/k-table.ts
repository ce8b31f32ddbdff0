import { toStream } from '../processors/to-stream.ts'
import { below, type NamedOptions, processorStep, serdesOf, type TableFlow } from './flow.ts'
import { KStream } from './k-stream.ts'

/** A table: the latest value of every key. Its changes pass as old and new value. */
export class KTable<K, V> {
  readonly #flow: TableFlow<K, V>

  constructor(flow: TableFlow<K, V>) {
    this.#flow = flow
  }

  /** Name of the store that can be asked for its values; undefined where there is none. */
  get queryableStore(): string | undefined {
    return this.#flow.queryableStore
  }

  /** Every change as a record of its own: the key and its new value, null when it was deleted. */
  toStream(options: NamedOptions = {}): KStream<K, V | null> {
    const { building, node, serdes } = this.#flow
    const name = building.names.node('KTABLE-TOSTREAM-', options.name)
    return new KStream(
      below<K, V | null>(this.#flow, processorStep(name, [node.name], toStream), {
        serdes: serdesOf(serdes.key, serdes.value as never),
        keyChanged: false,
      }),
    )
  }
}
