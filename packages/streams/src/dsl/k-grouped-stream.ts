import { serde } from '@odradek/client'
import { count } from '../processors/count.ts'
import { timestampedStore } from '../state/timestamped-store.ts'
import type { NamedOptions, StreamFlow, TableFlow } from './flow.ts'
import { KTable } from './k-table.ts'
import { repartition, skipNames } from './repartition.ts'
import { storeTable } from './store-table.ts'

/** Records by a key they were not partitioned by: an aggregation puts a repartition topic in between. */
export class KGroupedStream<K, V> {
  readonly #flow: StreamFlow<K, V>
  readonly #name: string | undefined
  /** Below the repartition topic, once a named grouping has one: its aggregations share it. */
  #shared: StreamFlow<K, V> | undefined

  constructor(flow: StreamFlow<K, V>, name: string | undefined) {
    this.#flow = flow
    this.#name = name
  }

  /**
   * How many records each key has had. `store` names the store, and by it its changelog and, where the grouping has no name of its
   * own, the repartition topic. Name one of the two: a generated name changes when operators are added before it.
   */
  count(options: NamedOptions & { store?: string } = {}): KTable<K, number> {
    const { building, serdes } = this.#flow
    const storeName = options.store ?? building.names.store('KSTREAM-AGGREGATE-')
    const name = building.names.node('KSTREAM-AGGREGATE-', options.name)
    const grouped = this.#partitioned(storeName, options.store !== undefined)
    const store = timestampedStore<K, number>({ name: storeName, key: serdes.key, value: serde.int64 })
    const table = storeTable<K, number>(storeName)
    const node = building.add({
      name,
      parents: [grouped.node],
      write: topology => {
        const make = () => count(storeName, () => table.sendsOldValues)
        topology.add({ kind: 'processor', name, parents: [grouped.node.name], make })
        topology.addStateStore(store, name)
      },
    })
    const flow: TableFlow<K, number> = {
      ...grouped,
      node,
      serdes: { ...(serdes.key && { key: serdes.key }), value: serde.int64 },
      table,
      queryableStore: options.store,
    }
    return new KTable(flow)
  }

  #partitioned(storeName: string, isStoreNamed: boolean): StreamFlow<K, V> {
    if (!this.#flow.keyChanged) return this.#flow
    const options = {
      name: this.#name ?? storeName,
      isNamed: this.#name !== undefined || isStoreNamed,
      key: this.#flow.serdes.key,
      value: this.#flow.serdes.value,
    }
    if (this.#shared) {
      skipNames(this.#flow.building)
      return this.#shared
    }
    const made = repartition(this.#flow, options)
    if (this.#name !== undefined) this.#shared = made
    return made
  }
}
