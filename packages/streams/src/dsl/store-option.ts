import { mustBeKnown } from '../known-names.ts'
import type { StoreOptions } from '../state/stores.ts'

/** Every operator that keeps something takes `store`: its name, or more about it. */
export interface StoreOption<K = any, V = any> {
  store?: string | StoreOptions<K, V>
}

const known: Record<keyof StoreOptions, true> = {
  ...{ name: true, in: true, logging: true, caching: true, key: true, value: true },
  ...{ retentionMs: true, historyRetentionMs: true },
}

export function storeOptionsOf<K, V>({ store = {} }: StoreOption<K, V>): StoreOptions<K, V> {
  if (typeof store === 'string') return { name: store }
  mustBeKnown('setting of `store`', store, known)
  return store
}
