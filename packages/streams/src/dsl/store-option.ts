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

export function storeOptionsOf<K, V>(options: StoreOption<K, V>): StoreOptions<K, V> {
  mustBeOptions(options)
  const { store = {} } = options
  if (typeof store === 'string') return { name: store }
  mustBeKnown('setting of `store`', store, known)
  return store
}

/** What operators are told that read or write topics, or keep something: a misspelt one would be another topic, or another store. */
const knownOptions: Readonly<Record<string, true>> = {
  ...{ name: true, key: true, value: true, store: true, timestampOf: true, offsetReset: true },
  ...{ partitions: true, partitionOf: true, otherPartitionOf: true, window: true, left: true, right: true },
}
/** What operators tell each other beside. */
const own: readonly string[] = ['prefix', 'kind', 'wanted', 'isFilter']

export function mustBeOptions(options: object): void {
  const said = Object.entries(options).filter(([name]) => !own.includes(name))
  mustBeKnown('option', Object.fromEntries(said), knownOptions)
}
