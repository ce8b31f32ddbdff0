import type { StorePlace, StoreSpec } from './state-store.ts'
import { changelogFor, codecsOf, compacted, keyTableOf, type StoreDeclaration } from './store-spec.ts'
import type { KeyValueStore, Range, Timestamped } from './stores.ts'
import type { KeyTable, RestoredRecord } from './tables.ts'
import { TimestampedStore } from './timestamped-store.ts'

/** A store for processors of one's own, never cached. Its changelog's timestamps are those of the records that caused the changes. */
export function keyValueStore<K, V>(declaration: StoreDeclaration<K, V>): StoreSpec<KeyValueStore<K, V>> {
  const { name, options } = declaration
  return {
    name,
    changelog: changelogFor(compacted, options),
    in: options?.in,
    make: place => plainStoreOn(declaration, keyTableOf(place, name, options), place),
  }
}

export const plainStoreOn = <K, V>(
  declaration: StoreDeclaration<K, V>,
  table: KeyTable,
  place: StorePlace,
): KeyValueStore<K, V> =>
  new PlainStore(new TimestampedStore<K, V>(codecsOf(declaration), table, place.log), place.current)

class PlainStore<K, V> implements KeyValueStore<K, V> {
  readonly name: string
  readonly #store: TimestampedStore<K, V>
  readonly #current: StorePlace['current']

  constructor(store: TimestampedStore<K, V>, current: StorePlace['current']) {
    this.name = store.name
    this.#store = store
    this.#current = current
  }

  get size(): number {
    return this.#store.size
  }

  get(key: K): V | undefined {
    return this.#store.get(key)?.value
  }

  put(key: K, value: V | null): void {
    this.#store.put(key, value, this.#current().timestamp ?? 0)
  }

  putIfAbsent(key: K, value: V): V | undefined {
    const there = this.get(key)
    if (there === undefined) this.put(key, value)
    return there
  }

  delete(key: K): V | undefined {
    const there = this.get(key)
    this.put(key, null)
    return there
  }

  range(range: Range<K>): Iterable<[K, V]> {
    return values(this.#store.range(range))
  }

  prefixScan(prefix: Uint8Array): Iterable<[K, V]> {
    return values(this.#store.prefixScan(prefix))
  }

  all(): Iterable<[K, V]> {
    return values(this.#store.all())
  }

  restore(key: Uint8Array, value: Uint8Array | null, timestamp: number): void {
    this.#store.restore(key, value, timestamp)
  }

  restoreBatch(records: readonly RestoredRecord[]): void {
    this.#store.restoreBatch(records)
  }

  close(): void {
    this.#store.close()
  }
}

function* values<K, V>(entries: Iterable<[K, Timestamped<V>]>): Iterable<[K, V]> {
  for (const [key, { value }] of entries) yield [key, value]
}
