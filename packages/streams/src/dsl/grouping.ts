import type { StreamFlow } from './flow.ts'
import { repartition, skipNames } from './repartition.ts'

/**
 * Records by a key they may not have been partitioned by: an aggregation puts a repartition topic in between. A grouping that has a name
 * has one topic for all its aggregations, one without makes a topic for each, called after its store.
 */
export class Grouping<K = any, V = any> {
  readonly flow: StreamFlow<K, V>
  readonly #name: string | undefined
  #shared: StreamFlow<K, V> | undefined

  constructor(flow: StreamFlow<K, V>, name: string | undefined) {
    this.flow = flow
    this.#name = name
  }

  partitioned(storeName: string, isStoreNamed: boolean): StreamFlow<K, V> {
    const { flow } = this
    if (!flow.keyChanged) return flow
    if (this.#shared) {
      skipNames(flow.building)
      return this.#shared
    }
    const { key, value } = flow.serdes
    const isNamed = this.#name !== undefined || isStoreNamed
    const made = repartition(flow, { name: this.#name ?? storeName, isNamed, key, value })
    if (this.#name !== undefined) this.#shared = made
    return made
  }
}
