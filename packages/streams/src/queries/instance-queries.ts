import type { Serde } from '@odradek/client'
import type { InstanceParts } from '../runtime/instance-parts.ts'
import type { InstanceState } from '../runtime/instance-state.ts'
import type { Timestamped } from '../state/stores.ts'
import type { Topology } from '../topology/topology.ts'
import { GroupQueries, type KeyQueryOptions } from './group-queries.ts'
import { activeStores, type LocalStore, type StoreQueryOptions, standbyStores } from './local-stores.ts'
import type { ClientMetadata, KeyMetadata } from './metadata.ts'
import { StoreQueries } from './store-queries.ts'
import type {
  ReadOnlyKeyValueStore,
  ReadOnlySessionStore,
  ReadOnlyVersionedStore,
  ReadOnlyWindowStore,
} from './views.ts'

/** Of a store's partition on this instance. */
export interface StoreLag {
  readonly store: string
  readonly taskId: string
  readonly role: 'active' | 'standby'
  /** Of all stores of the task together. */
  readonly lag: number
}

/** The instance as queries see it: what it is made of, while it runs. */
export type Queried = () => { readonly state: InstanceState; readonly parts: InstanceParts | undefined }

/** What may be asked of an instance from outside of its topology: stores here, and where in the group what is. */
export class InstanceQueries {
  readonly #stores: StoreQueries
  readonly #group: GroupQueries
  readonly #queried: Queried

  constructor(topology: Topology, applicationId: string, queried: Queried) {
    this.#queried = queried
    const subtopologies = topology.subtopologies()
    const namesOf = (all: typeof subtopologies) => all.flatMap(({ stores }) => stores.map(({ name }) => name))
    const globals = topology.globals().flatMap(({ global }) => (global ? [global.store.name] : []))
    this.#stores = new StoreQueries({
      names: () => [...namesOf(subtopologies), ...globals],
      state: () => queried().state,
      local: name => localStores(name, queried().parts),
    })
    this.#group = new GroupQueries({
      applicationId,
      storesOf: id => namesOf(subtopologies.filter(subtopology => subtopology.id === id)),
      subtopologies: subtopologies.map(({ id }) => id),
      members: () => queried().parts?.place.members ?? [],
      partitionsOf: id => queried().parts?.place.partitionsOf(id) ?? 0,
    })
  }

  /**
   * A table's store on this instance, all its partitions or one, read only. Throws a retriable StreamsError unless the instance is
   * RUNNING, then and at each query.
   */
  store<K, V>(name: string, options: StoreQueryOptions = {}): ReadOnlyKeyValueStore<K, Timestamped<V>> {
    return this.#stores.table(name, options)
  }

  /** A store of values without timestamps: of a processor of your own. */
  keyValueStore<K, V>(name: string, options: StoreQueryOptions = {}): ReadOnlyKeyValueStore<K, V> {
    return this.#stores.keyValue(name, options)
  }

  windowStore<K, V>(name: string, options: StoreQueryOptions = {}): ReadOnlyWindowStore<K, V> {
    return this.#stores.window(name, options)
  }

  sessionStore<K, V>(name: string, options: StoreQueryOptions = {}): ReadOnlySessionStore<K, V> {
    return this.#stores.session(name, options)
  }

  /** A table with its history. */
  versionedStore<K, V>(name: string, options: StoreQueryOptions = {}): ReadOnlyVersionedStore<K, V> {
    return this.#stores.versioned(name, options)
  }

  /** Every instance of the application with its stores and partitions, as the group's last assignment has them. */
  metadataForAllClients(): ClientMetadata[] {
    return this.#group.all()
  }

  /** The instances that have some of a store, to work on or to stand by. */
  metadataForStore(store: string): ClientMetadata[] {
    return this.#group.ofStore(store)
  }

  /** The `applicationServer` of the instance that has a key of a store, and of those that stand by. */
  queryMetadataForKey<K>(store: string, key: K, serde: Serde<K>, options?: KeyQueryOptions): KeyMetadata {
    return this.#group.ofKey(store, key, serde, options)
  }

  /** How far each task's state here is behind its changelogs, in offsets: 0 for what is at work, more for what is restored or stands by. */
  localStoreLags(): StoreLag[] {
    const { parts } = this.#queried()
    if (!parts) return []
    const { tasks, restorer, standbys } = parts
    const active = [...tasks].flatMap(({ id, stores }) =>
      lagsOf('active', id, [...stores.keys()], restorer.remaining(id)),
    )
    const standby = [...standbys.states].flatMap(([id, { stores }]) =>
      lagsOf('standby', id, [...stores.keys()], standbys.remaining(id)),
    )
    return [...active, ...standby]
  }
}

const lagsOf = (role: StoreLag['role'], taskId: string, stores: readonly string[], lag: number): StoreLag[] =>
  stores.map(store => ({ store, taskId, role, lag }))

function localStores(name: string, parts: InstanceParts | undefined): LocalStore[] {
  if (!parts) return []
  const { tasks, restorer, standbys, globals } = parts
  const global = globals.stores.get(name)
  if (global) return [{ store: global, partition: 0, role: 'global', isRestoring: false }]
  const active = activeStores(name, tasks, taskId => restorer.isRestoring(taskId))
  return [...active, ...standbyStores(name, standbys.states)]
}
