import type { StoreOptions } from '../state/stores.ts'

/** Every operator that keeps something takes `store`: its name, or more about it. */
export interface StoreOption<K = any, V = any> {
  store?: string | StoreOptions<K, V>
}

export const storeOptionsOf = <K, V>({ store }: StoreOption<K, V>): StoreOptions<K, V> =>
  typeof store === 'string' ? { name: store } : (store ?? {})
