import type { ProcessorContext } from '../processor.ts'
import type { StoreSpec } from './state-store.ts'
import type { StoreDeclaration } from './store-spec.ts'
import type { Timestamped, TimestampedKeyValueStore, VersionedKeyValueStore } from './stores.ts'
import { timestampedStore } from './timestamped-store.ts'
import { versionedStore } from './versioned-store.ts'

/** What a table keeps, with its history or without: one way to read and write both. */
export interface TableStore<K, V> {
  readonly store: TimestampedKeyValueStore<K, V> | VersionedKeyValueStore<K, V>
  readonly isVersioned: boolean
  get(key: K): Timestamped<V> | undefined
  getAsOf(key: K, timestamp: number): Timestamped<V> | undefined
  /** Whether this is now the latest; 'not-put': it is older than the history. Without a history whatever is put is the latest. */
  put(key: K, value: V | null, timestamp: number): 'latest' | 'older' | 'not-put'
}

/** A store with a history where that is asked for. */
export function tableStoreSpec<K, V>(declaration: StoreDeclaration<K, V>): StoreSpec {
  const { historyRetentionMs } = declaration.options ?? {}
  return historyRetentionMs === undefined
    ? timestampedStore(declaration)
    : versionedStore({ ...declaration, historyRetentionMs })
}

export function tableStoreOf<K, V>(context: ProcessorContext, name: string): TableStore<K, V> {
  const store = context.store<TimestampedKeyValueStore<K, V> | VersionedKeyValueStore<K, V>>(name)
  return 'historyRetentionMs' in store ? versioned(store) : plain(store)
}

const plain = <K, V>(store: TimestampedKeyValueStore<K, V>): TableStore<K, V> => ({
  store,
  isVersioned: false,
  get: key => store.get(key),
  getAsOf: key => store.get(key),
  put(key, value, timestamp) {
    store.put(key, value, timestamp)
    return 'latest'
  },
})

const versioned = <K, V>(store: VersionedKeyValueStore<K, V>): TableStore<K, V> => ({
  store,
  isVersioned: true,
  get: key => store.get(key),
  getAsOf: (key, timestamp) => store.getAsOf(key, timestamp),
  put(key, value, timestamp) {
    const validTo = store.put(key, value, timestamp)
    if (validTo === 'not-put') return 'not-put'
    return validTo === null ? 'latest' : 'older'
  },
})
