import { UsageError } from '@odradek/client'
import type { InstanceState } from '../runtime/instance-state.ts'
import type { StateStore } from '../state/state-store.ts'
import type {
  KeyValueStore,
  SessionStore,
  Timestamped,
  TimestampedKeyValueStore,
  VersionedKeyValueStore,
  WindowStore,
} from '../state/stores.ts'
import { askable, type LocalStore, type StoreQueryOptions } from './local-stores.ts'
import {
  keyValueView,
  type ReadOnlyKeyValueStore,
  type ReadOnlySessionStore,
  type ReadOnlyVersionedStore,
  type ReadOnlyWindowStore,
  type Stores,
  sessionView,
  versionedView,
  windowView,
} from './views.ts'

export interface StoreQueriesOptions {
  /** Of the topology. */
  readonly names: () => readonly string[]
  readonly state: () => InstanceState
  /** This instance's partitions of the store. */
  readonly local: (name: string) => readonly LocalStore[]
}

type Kind = 'table' | 'key-value' | 'window' | 'session' | 'versioned' | 'another kind of'

/**
 * Interactive queries: views of the stores of one instance. A view is made while the instance is RUNNING, or REBALANCING if what is
 * stale will do, and looks for the stores anew at each query; it throws a retriable StreamsError, STORE_NOT_READY, while they move.
 */
export class StoreQueries {
  readonly #options: StoreQueriesOptions

  constructor(options: StoreQueriesOptions) {
    this.#options = options
  }

  table<K, V>(name: string, options: StoreQueryOptions): ReadOnlyKeyValueStore<K, Timestamped<V>> {
    return keyValueView(this.#stores<TimestampedKeyValueStore<K, V>>(name, 'table', options))
  }

  keyValue<K, V>(name: string, options: StoreQueryOptions): ReadOnlyKeyValueStore<K, V> {
    return keyValueView(this.#stores<KeyValueStore<K, V>>(name, 'key-value', options))
  }

  window<K, V>(name: string, options: StoreQueryOptions): ReadOnlyWindowStore<K, V> {
    return windowView(this.#stores<WindowStore<K, V>>(name, 'window', options))
  }

  session<K, V>(name: string, options: StoreQueryOptions): ReadOnlySessionStore<K, V> {
    return sessionView(this.#stores<SessionStore<K, V>>(name, 'session', options))
  }

  versioned<K, V>(name: string, options: StoreQueryOptions): ReadOnlyVersionedStore<K, V> {
    return versionedView(this.#stores<VersionedKeyValueStore<K, V>>(name, 'versioned', options))
  }

  #stores<S extends StateStore>(name: string, kind: Kind, options: StoreQueryOptions): Stores<S> {
    const names = this.#options.names()
    if (!names.includes(name))
      throw new UsageError(`The topology has no store '${name}'. It has: ${names.join(', ') || 'none'}.`)
    const stores = () => {
      const { state, local } = this.#options
      return askable(name, state(), local(name), options).map(({ store }) => mustBe<S>(store, kind))
    }
    stores()
    return stores
  }
}

const methods: Readonly<Record<Kind, string>> = {
  table: 'store',
  'key-value': 'keyValueStore',
  window: 'windowStore',
  session: 'sessionStore',
  versioned: 'versionedStore',
  'another kind of': 'no view: ask it inside a processor',
}

function mustBe<S extends StateStore>(store: StateStore, kind: Kind): S {
  const found = kindOf(store)
  if (found === kind) return store as S
  throw new UsageError(
    `'${store.name}' is ${found === 'another kind of' ? 'a store of your own' : `a ${found} store`}: ask it by \`${methods[found]}\`.`,
  )
}

function kindOf(store: StateStore): Kind {
  if ('putIfAbsent' in store) return 'key-value'
  if ('historyRetentionMs' in store) return 'versioned'
  if ('allWindows' in store) return 'window'
  if ('endingBetween' in store) return 'session'
  return 'prefixScan' in store || 'all' in store ? 'table' : 'another kind of'
}
