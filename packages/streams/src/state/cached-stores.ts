/** Stores with a cache over them: reads of one key and changes go through it, other reads make it settle first. */
import type { Done } from '../record.ts'
import type { KeyCodec } from './key-codec.ts'
import type { CacheBudget, StoreGauges, StorePlace } from './state-store.ts'
import type {
  Caching,
  Range,
  SessionStore,
  Timestamped,
  TimestampedKeyValueStore,
  WindowBounds,
  Windowed,
  WindowStore,
} from './stores.ts'
import { type RestoredRecord, segmentLength, segmentOf, textOfTime } from './tables.ts'
import { type CachedStore, WriteBack } from './write-back.ts'

/** A store that can leave out the changelog, for the time being. */
export type Quietly<S extends { put(...given: never[]): unknown }> = S & {
  putQuietly(...given: Parameters<S['put']>): void
}

/** A store that forgets what is old: a cache over it asks before it holds anything back. */
export interface Forgetful {
  /** Time goes on, and what is too old by now is forgotten. False: this is too old itself. */
  advance(time: number): boolean
  isKept(time: number): boolean
}

/** What all of them share. */
abstract class CachedStateStore<K, V> implements Caching<K, V> {
  abstract readonly name: string
  protected readonly cache: WriteBack<K, V>

  constructor(store: CachedStore<K, V>, budget: CacheBudget, place: StorePlace) {
    this.cache = new WriteBack(store, budget, place.current)
  }

  onEviction(...given: Parameters<Caching<K, V>['onEviction']>): boolean {
    return this.cache.onEviction(...given)
  }

  makeRoom(): Done {
    return this.cache.makeRoom()
  }

  flush(): Done {
    return this.cache.flush()
  }

  get holdsBack(): boolean {
    return this.cache.holdsBack
  }

  gauges(): StoreGauges {
    return { cache: this.cache.takeReads() }
  }
}

export class CachedTimestampedStore<K, V> extends CachedStateStore<K, V> implements TimestampedKeyValueStore<K, V> {
  readonly name: string
  readonly #below: Quietly<TimestampedKeyValueStore<K, V>>

  constructor(
    below: Quietly<TimestampedKeyValueStore<K, V>>,
    keys: KeyCodec<K>,
    budget: CacheBudget,
    place: StorePlace,
  ) {
    const store: CachedStore<K, V> = {
      identityOf: key => keys.identityOf(key),
      orderOf: key => keys.of(key).text,
      get: key => below.get(key),
      put: (key, value, timestamp, isLogged) =>
        isLogged ? below.put(key, value, timestamp) : below.putQuietly(key, value, timestamp),
    }
    super(store, budget, place)
    this.name = below.name
    this.#below = below
  }

  get size(): number {
    return this.#settled.size
  }

  get(key: K): Timestamped<V> | undefined {
    return this.cache.get(key)
  }

  put(key: K, value: V | null, timestamp: number): void {
    this.cache.put(key, value, timestamp)
  }

  range(range: Range<K>): Iterable<[K, Timestamped<V>]> {
    return this.#settled.range(range)
  }

  prefixScan(prefix: Uint8Array): Iterable<[K, Timestamped<V>]> {
    return this.#settled.prefixScan(prefix)
  }

  all(): Iterable<[K, Timestamped<V>]> {
    return this.#settled.all()
  }

  restore(key: Uint8Array, value: Uint8Array | null, timestamp: number): void {
    this.#below.restore(key, value, timestamp)
  }

  restoreBatch(records: readonly RestoredRecord[]): void {
    this.#below.restoreBatch?.(records)
  }

  close(): void {
    this.cache.close()
    this.#below.close()
  }

  get #settled(): TimestampedKeyValueStore<K, V> {
    this.cache.settle()
    return this.#below
  }
}

export class CachedWindowStore<K, V> extends CachedStateStore<Windowed<K>, V> implements WindowStore<K, V> {
  readonly name: string
  readonly #below: Quietly<WindowStore<K, V>> & Forgetful

  constructor(
    below: Quietly<WindowStore<K, V>> & Forgetful,
    keys: KeyCodec<K>,
    budget: CacheBudget,
    place: StorePlace,
  ) {
    const segmentMs = segmentLength(below.retentionMs)
    const store: CachedStore<Windowed<K>, V> = {
      identityOf: ({ key, start }) => `${start} ${keys.of(key).text}`,
      orderOf: ({ key, start }) => textOfTime(segmentOf(start, segmentMs)) + keys.of(key).text + textOfTime(start),
      get: ({ key, start }) => below.fetch(key, start),
      put: ({ key, start }, value, timestamp, isLogged) =>
        isLogged ? below.put(key, value, start, timestamp) : below.putQuietly(key, value, start, timestamp),
    }
    super(store, budget, place)
    this.name = below.name
    this.#below = below
  }

  get windowSizeMs(): number {
    return this.#below.windowSizeMs
  }

  get retentionMs(): number {
    return this.#below.retentionMs
  }

  put(key: K, value: V | null, windowStart: number, timestamp: number): void {
    if (!this.#below.advance(windowStart)) return
    this.cache.put(this.#windowed(key, windowStart), value, timestamp)
  }

  fetch(key: K, windowStart: number): Timestamped<V> | undefined {
    if (!this.#below.isKept(windowStart)) return undefined
    return this.cache.get(this.#windowed(key, windowStart))
  }

  windows(key: K, bounds: WindowBounds): Iterable<[number, Timestamped<V>]> {
    return this.#settled.windows(key, bounds)
  }

  allWindows(bounds: WindowBounds): Iterable<[Windowed<K>, Timestamped<V>]> {
    return this.#settled.allWindows(bounds)
  }

  keyRange(keys: { from?: K; to?: K }, bounds: WindowBounds): Iterable<[Windowed<K>, Timestamped<V>]> {
    return this.#settled.keyRange(keys, bounds)
  }

  restore(key: Uint8Array, value: Uint8Array | null, timestamp: number): void {
    this.#below.restore(key, value, timestamp)
  }

  restoreBatch(records: readonly RestoredRecord[]): void {
    this.#below.restoreBatch?.(records)
  }

  close(): void {
    this.cache.close()
    this.#below.close()
  }

  #windowed(key: K, start: number): Windowed<K> {
    return { key, start, end: start + this.#below.windowSizeMs }
  }

  get #settled(): WindowStore<K, V> {
    this.cache.settle()
    return this.#below
  }
}

export class CachedSessionStore<K, V> extends CachedStateStore<Windowed<K>, V> implements SessionStore<K, V> {
  readonly name: string
  readonly #below: Quietly<SessionStore<K, V>> & Forgetful

  constructor(
    below: Quietly<SessionStore<K, V>> & Forgetful,
    keys: KeyCodec<K>,
    budget: CacheBudget,
    place: StorePlace,
  ) {
    const segmentMs = segmentLength(below.retentionMs)
    const store: CachedStore<Windowed<K>, V> = {
      identityOf: ({ key, start, end }) => `${end} ${start} ${keys.of(key).text}`,
      orderOf: ({ key, start, end }) =>
        textOfTime(segmentOf(end, segmentMs)) + keys.of(key).text + textOfTime(end) + textOfTime(start),
      get: session => {
        const value = below.fetch(session)
        return value === undefined ? undefined : { value, timestamp: session.end }
      },
      put: (session, value, _, isLogged) => (isLogged ? below.put(session, value) : below.putQuietly(session, value)),
    }
    super(store, budget, place)
    this.name = below.name
    this.#below = below
  }

  get retentionMs(): number {
    return this.#below.retentionMs
  }

  put(session: Windowed<K>, value: V | null): void {
    if (this.#below.advance(session.end)) this.cache.put(session, value, session.end)
  }

  fetch(session: Windowed<K>): V | undefined {
    return this.#below.isKept(session.end) ? this.cache.get(session)?.value : undefined
  }

  overlapping(key: K, earliestEnd: number, latestStart: number): Iterable<[Windowed<K>, V]> {
    return this.#settled.overlapping(key, earliestEnd, latestStart)
  }

  sessions(key: K): Iterable<[Windowed<K>, V]> {
    return this.#settled.sessions(key)
  }

  endingBetween(from: number, to: number): Iterable<[Windowed<K>, V]> {
    return this.#settled.endingBetween(from, to)
  }

  restore(key: Uint8Array, value: Uint8Array | null, timestamp: number): void {
    this.#below.restore(key, value, timestamp)
  }

  restoreBatch(records: readonly RestoredRecord[]): void {
    this.#below.restoreBatch?.(records)
  }

  close(): void {
    this.cache.close()
    this.#below.close()
  }

  get #settled(): SessionStore<K, V> {
    this.cache.settle()
    return this.#below
  }
}
