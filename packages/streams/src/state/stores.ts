/** What processors see of stores. All of it is synchronous: memory is, and so is a read of a mapped file. */
import type { Serde } from '@odradek/client'
import type { Done, RecordHeaders, RecordMetadata } from '../record.ts'
import type { StateStore } from './state-store.ts'

/** A value and the timestamp of the record that set it last. */
export interface Timestamped<V> {
  readonly value: V
  readonly timestamp: number
}

export interface Range<K> {
  /** Inclusive, both; without one, from the beginning or to the end. In byte order of the serialised keys. */
  readonly from?: K
  readonly to?: K
  readonly reverse?: boolean
}

/** For processors of one's own: values without timestamps. */
export interface KeyValueStore<K, V> extends StateStore {
  get(key: K): V | undefined
  /** Null removes. */
  put(key: K, value: V | null): void
  putIfAbsent(key: K, value: V): V | undefined
  delete(key: K): V | undefined
  range(range: Range<K>): Iterable<[K, V]>
  /** Whose serialised keys begin with these bytes. */
  prefixScan(prefix: Uint8Array): Iterable<[K, V]>
  all(): Iterable<[K, V]>
  /** Approximate. */
  readonly size: number
}

/** What tables and aggregations keep. */
export interface TimestampedKeyValueStore<K, V> extends StateStore, Caching<K, V> {
  get(key: K): Timestamped<V> | undefined
  /** Null removes. */
  put(key: K, value: V | null, timestamp: number): void
  range(range: Range<K>): Iterable<[K, Timestamped<V>]>
  prefixScan(prefix: Uint8Array): Iterable<[K, Timestamped<V>]>
  all(): Iterable<[K, Timestamped<V>]>
  readonly size: number
}

/** A change that a cache hands on: the last of several to a key, with the place of the record that caused it. */
export interface EvictedChange<K, V> {
  readonly key: K
  readonly newValue: V | null
  /** As it was before the first change that is held back; null unless `sendOldValues`. */
  readonly oldValue: V | null
  readonly timestamp: number
  readonly headers: RecordHeaders
  readonly metadata: RecordMetadata | undefined
}

export interface Caching<K, V> {
  /**
   * Asks to be told of changes when they leave the cache, and answers true; then whoever puts does not forward. False: there is no
   * cache, and whoever puts forwards at once (KIP-63).
   */
  onEviction(listener: (change: EvictedChange<K, V>) => Done, options: { sendOldValues: boolean }): boolean
  /** After a put, by whoever was answered true: changes leave the cache here when it is full. */
  makeRoom?(): Done
}

/** One version of a value. `validTo` is null for the latest. */
export interface VersionedRecord<V> {
  readonly value: V
  readonly timestamp: number
  readonly validTo: number | null
}

/** Keeps the history of every key for a while (KIP-889, KIP-914, KIP-968). */
export interface VersionedKeyValueStore<K, V> extends StateStore {
  /** How long versions are kept, and so how late a record may be. */
  readonly historyRetentionMs: number
  /** 'not-put' when it is older than the history that is kept; else until when it is valid, null: it is the latest. */
  put(key: K, value: V | null, timestamp: number): number | null | 'not-put'
  delete(key: K, timestamp: number): VersionedRecord<V> | undefined
  get(key: K): VersionedRecord<V> | undefined
  /** As it was at that time; undefined when there was none, or the history does not go back so far. */
  getAsOf(key: K, timestamp: number): VersionedRecord<V> | undefined
  /** Versions valid at some time within the bounds, inclusive. */
  versions(key: K, between: { from?: number; to?: number; reverse?: boolean }): Iterable<VersionedRecord<V>>
}

/** A key in a window of time. For time windows `end` is exclusive, for sessions and sliding windows inclusive. */
export interface Windowed<K> {
  readonly key: K
  readonly start: number
  readonly end: number
}

export interface WindowStore<K, V> extends StateStore, Caching<Windowed<K>, V> {
  readonly windowSizeMs: number
  readonly retentionMs: number
  /** Null removes. What is older than the retention allows is not taken. */
  put(key: K, value: V | null, windowStart: number, timestamp: number): void
  fetch(key: K, windowStart: number): Timestamped<V> | undefined
  /** Windows of a key that start within the bounds, inclusive, by start. */
  windows(key: K, bounds: WindowBounds): Iterable<[windowStart: number, Timestamped<V>]>
  /** Of all keys, by start, then by key bytes. */
  allWindows(bounds: WindowBounds): Iterable<[Windowed<K>, Timestamped<V>]>
  /** Of a range of keys, by key bytes, then by start. */
  keyRange(keys: { from?: K; to?: K }, bounds: WindowBounds): Iterable<[Windowed<K>, Timestamped<V>]>
}

export interface WindowBounds {
  readonly from: number
  readonly to: number
  readonly reverse?: boolean
}

/** What stream-stream joins keep: any number of values for a key and a time. Not cached. */
export interface JoinWindowStore<K, V> extends StateStore {
  put(key: K, value: V, timestamp: number): void
  /** By time, inclusive both; those of one time in the order they came. */
  fetch(key: K, from: number, to: number): Iterable<[timestamp: number, V]>
}

export interface SessionStore<K, V> extends StateStore, Caching<Windowed<K>, V> {
  readonly retentionMs: number
  /** Null removes. */
  put(session: Windowed<K>, value: V | null): void
  fetch(session: Windowed<K>): V | undefined
  /** Sessions of a key that end at or after the one and start at or before the other, by end, then start. */
  overlapping(key: K, earliestEnd: number, latestStart: number): Iterable<[Windowed<K>, V]>
  sessions(key: K): Iterable<[Windowed<K>, V]>
  /** Of all keys, that end within the bounds, by end, start, then key bytes. */
  endingBetween(from: number, to: number): Iterable<[Windowed<K>, V]>
}

/** How a store is kept. What is left out is as the application is configured. */
export interface StoreOptions<K = any, V = any> {
  /** Names the store, and by it its changelog. A generated name changes when operators are added before it. */
  name?: string
  /** Default: the application's `defaultStore`, which is 'disk' unless said otherwise. */
  in?: 'memory' | 'disk'
  /** False: no changelog; or topic settings for it, in Kafka's dotted names. */
  logging?: boolean | Readonly<Record<string, string>>
  /** False: every change is passed on and logged at once. */
  caching?: boolean
  /** Of windows and sessions: milliseconds, at least size + grace. */
  retentionMs?: number
  /** Keeps old versions for this long (KIP-889). */
  historyRetentionMs?: number
  key?: Serde<K>
  value?: Serde<V>
}
