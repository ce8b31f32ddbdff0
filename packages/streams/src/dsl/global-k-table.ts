import type { GlobalTableFlow } from './global-table.ts'

/**
 * A table that every instance has whole, loaded before anything else begins: streams look rows up by any key, and need not be
 * partitioned as its topic is. It is not kept in step with the streams that read it.
 */
export class GlobalKTable<K, V> {
  readonly #flow: GlobalTableFlow<K, V>

  constructor(flow: GlobalTableFlow<K, V>) {
    this.#flow = flow
  }

  /** For operators that look rows up. */
  get flow(): GlobalTableFlow<K, V> {
    return this.#flow
  }

  /** Name of the store that can be asked for its rows. */
  get queryableStore(): string {
    return this.#flow.storeName
  }
}
