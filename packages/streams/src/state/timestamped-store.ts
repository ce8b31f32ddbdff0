import { CachedTimestampedStore } from './cached-stores.ts'
import type { ChangeLog, StoreSpec } from './state-store.ts'
import {
  type Codecs,
  cacheOf,
  changelogFor,
  codecsOf,
  compacted,
  keyTableOf,
  type StoreDeclaration,
} from './store-spec.ts'
import type { Range, Timestamped, TimestampedKeyValueStore } from './stores.ts'
import { type Entry, type KeyTable, prefixRange, type RestoredRecord, type TextRange, textOf } from './tables.ts'

/** A store of a table, with a changelog: what a task puts here, another task can restore. */
export function timestampedStore<K, V>(declaration: StoreDeclaration<K, V>): StoreSpec<TimestampedKeyValueStore<K, V>> {
  const { name, options } = declaration
  return {
    name,
    changelog: changelogFor(compacted, options),
    in: options?.in,
    make: place => {
      const codecs = codecsOf(declaration)
      const store = new TimestampedStore(codecs, keyTableOf(place, name, options), place.log)
      const budget = cacheOf(place, options)
      return budget ? new CachedTimestampedStore(store, codecs.keys, budget, place) : store
    },
  }
}

export class TimestampedStore<K, V> implements TimestampedKeyValueStore<K, V> {
  readonly name: string
  readonly #codecs: Codecs<K, V>
  readonly #table: KeyTable
  readonly #log: ChangeLog | null

  constructor(codecs: Codecs<K, V>, table: KeyTable, log: ChangeLog | null) {
    this.name = codecs.name
    this.#codecs = codecs
    this.#table = table
    this.#log = log
  }

  get size(): number {
    return this.#table.size
  }

  get(key: K): Timestamped<V> | undefined {
    const found = this.#table.get(this.#codecs.keys.of(key))
    return found && this.#read(found)
  }

  put(key: K, value: V | null, timestamp: number): void {
    this.#put(key, value, timestamp, this.#log)
  }

  putQuietly(key: K, value: V | null, timestamp: number): void {
    this.#put(key, value, timestamp, null)
  }

  #put(key: K, value: V | null, timestamp: number, log: ChangeLog | null): void {
    const at = this.#codecs.keys.of(key)
    const bytes = value === null ? null : this.#codecs.values.write(value)
    if (bytes === null) this.#table.delete(at)
    else this.#table.set(at, { value: bytes, timestamp })
    log?.(at.bytes, bytes, timestamp)
  }

  restore(key: Uint8Array, value: Uint8Array | null, timestamp: number): void {
    this.#table.restore([{ key, value, timestamp }])
  }

  restoreBatch(records: readonly RestoredRecord[]): void {
    this.#table.restore(records)
  }

  onEviction(): boolean {
    return false
  }

  all(): Iterable<[K, Timestamped<V>]> {
    return this.#found({})
  }

  range({ from, to, reverse }: Range<K>): Iterable<[K, Timestamped<V>]> {
    const { keys } = this.#codecs
    return this.#found({
      from: from === undefined ? undefined : keys.of(from).text,
      to: to === undefined ? undefined : keys.of(to).text,
      reverse,
    })
  }

  prefixScan(prefix: Uint8Array): Iterable<[K, Timestamped<V>]> {
    return this.#found(prefixRange(textOf(prefix)))
  }

  close(): void {
    this.#table.close()
  }

  *#found(range: TextRange): Iterable<[K, Timestamped<V>]> {
    for (const [text, entry] of this.#table.range(range)) yield [this.#codecs.keys.read(text), this.#read(entry)]
  }

  #read({ value, timestamp }: Entry): Timestamped<V> {
    return { value: this.#codecs.values.read(value), timestamp }
  }
}
