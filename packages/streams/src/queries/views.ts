/**
 * Stores as queries see them: all partitions of an instance together, read only. What other instances have is not in them. Where the
 * order of a scan is told, it is that of each partition; partitions follow one another.
 */
import type {
  Range,
  SessionStore,
  Timestamped,
  VersionedKeyValueStore,
  VersionedRecord,
  WindowBounds,
  Windowed,
  WindowStore,
} from '../state/stores.ts'

/** Of a store of tables and aggregations V is a `Timestamped`. */
export interface ReadOnlyKeyValueStore<K, V> {
  get(key: K): V | undefined
  range(range: Range<K>): Iterable<[K, V]>
  /** Whose serialised keys begin with these bytes. */
  prefixScan(prefix: Uint8Array): Iterable<[K, V]>
  /** In unsigned byte order of the serialised keys. */
  all(): Iterable<[K, V]>
  /** Approximate. */
  readonly size: number
}

export interface ReadOnlyWindowStore<K, V> {
  fetch(key: K, windowStart: number): Timestamped<V> | undefined
  windows(key: K, bounds: WindowBounds): Iterable<[windowStart: number, Timestamped<V>]>
  allWindows(bounds: WindowBounds): Iterable<[Windowed<K>, Timestamped<V>]>
  keyRange(keys: { from?: K; to?: K }, bounds: WindowBounds): Iterable<[Windowed<K>, Timestamped<V>]>
}

export interface ReadOnlySessionStore<K, V> {
  fetch(session: Windowed<K>): V | undefined
  sessions(key: K): Iterable<[Windowed<K>, V]>
  overlapping(key: K, earliestEnd: number, latestStart: number): Iterable<[Windowed<K>, V]>
  endingBetween(from: number, to: number): Iterable<[Windowed<K>, V]>
}

export interface ReadOnlyVersionedStore<K, V> {
  get(key: K): VersionedRecord<V> | undefined
  getAsOf(key: K, timestamp: number): VersionedRecord<V> | undefined
  versions(key: K, between: { from?: number; to?: number; reverse?: boolean }): Iterable<VersionedRecord<V>>
}

/** Asked anew at each call: tasks come and go. */
export type Stores<S> = () => readonly S[]

export function keyValueView<K, V>(stores: Stores<ReadOnlyKeyValueStore<K, V>>): ReadOnlyKeyValueStore<K, V> {
  return {
    get: key => first(stores(), store => store.get(key)),
    range: range => each(stores(), store => store.range(range)),
    prefixScan: prefix => each(stores(), store => store.prefixScan(prefix)),
    all: () => each(stores(), store => store.all()),
    get size() {
      return stores().reduce((sum, store) => sum + store.size, 0)
    },
  }
}

export function windowView<K, V>(stores: Stores<WindowStore<K, V>>): ReadOnlyWindowStore<K, V> {
  return {
    fetch: (key, windowStart) => first(stores(), store => store.fetch(key, windowStart)),
    windows: (key, bounds) => each(stores(), store => store.windows(key, bounds)),
    allWindows: bounds => each(stores(), store => store.allWindows(bounds)),
    keyRange: (keys, bounds) => each(stores(), store => store.keyRange(keys, bounds)),
  }
}

export function sessionView<K, V>(stores: Stores<SessionStore<K, V>>): ReadOnlySessionStore<K, V> {
  return {
    fetch: session => first(stores(), store => store.fetch(session)),
    sessions: key => each(stores(), store => store.sessions(key)),
    overlapping: (key, end, start) => each(stores(), store => store.overlapping(key, end, start)),
    endingBetween: (from, to) => each(stores(), store => store.endingBetween(from, to)),
  }
}

export function versionedView<K, V>(stores: Stores<VersionedKeyValueStore<K, V>>): ReadOnlyVersionedStore<K, V> {
  return {
    get: key => first(stores(), store => store.get(key)),
    getAsOf: (key, timestamp) => first(stores(), store => store.getAsOf(key, timestamp)),
    versions: (key, between) => each(stores(), store => store.versions(key, between)),
  }
}

function first<S, T>(stores: readonly S[], ask: (store: S) => T | undefined): T | undefined {
  for (const store of stores) {
    const found = ask(store)
    if (found !== undefined) return found
  }
  return undefined
}

/** The stores are chosen when the scan is asked for, so that it throws there and not at its first step. */
const each = <S, T>(stores: readonly S[], scan: (store: S) => Iterable<T>): Iterable<T> => ({
  *[Symbol.iterator]() {
    for (const store of stores) yield* scan(store)
  },
})
