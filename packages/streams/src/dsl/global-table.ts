import { tableSource as keepRows } from '../processors/table-source.ts'
import { tableStoreSpec } from '../state/table-store.ts'
import type { Building } from './building.ts'
import type { GetterSupplier, NamedOptions, Serdes } from './flow.ts'
import { type StoreOption, storeOptionsOf } from './store-option.ts'
import { storeGetter } from './store-table.ts'

export interface GlobalTableOptions<K, V> extends NamedOptions, Serdes<K, V>, StoreOption<K, V> {}

/** A table that every instance has all of: what a GlobalKTable stands for. */
export interface GlobalTableFlow<K = any, V = any> {
  readonly storeName: string
  readonly rows: GetterSupplier<K, V>
}

/** `<topic>-STATE-STORE-…`, `KSTREAM-SOURCE-…`, `KTABLE-SOURCE-…`, numbered in this order. Its topic is its changelog. */
export function globalTable<K, V>(
  building: Building,
  topic: string,
  options: GlobalTableOptions<K, V>,
): GlobalTableFlow<K, V> {
  const { names } = building
  const { key, value } = options
  const { historyRetentionMs: _, ...given } = storeOptionsOf(options)
  const storeName = given.name ?? names.store(`${topic}-`)
  const source = names.node('KSTREAM-SOURCE-', options.name && `${options.name}-source`)
  const name = names.node('KTABLE-SOURCE-', options.name)
  const store = tableStoreSpec<K, V>({
    name: storeName,
    key,
    value,
    options: { ...given, logging: false, caching: false },
  })
  const processor = () => keepRows<K, V>(storeName, false) as never
  const serdes = { ...(key && { key }), ...(value && { value }) }
  building.add({
    name,
    parents: [],
    write: topology =>
      void topology.addGlobalStore(store, { source, topic, name, processor, restore: 'bytes', ...serdes }),
  })
  const { make } = storeGetter<K, V>(storeName, false)
  return { storeName, rows: { stores: [], make } }
}
