import type { Serde } from '@odradek/client'
import type { ChangeLog, StateStore, StoreSpec } from './state-store.ts'

/** A value and the timestamp of the record that set it last. */
export interface Timestamped<V> {
  readonly value: V
  readonly timestamp: number
}

export interface KeyValueStore<K, V> extends StateStore {
  get(key: K): Timestamped<V> | undefined
  /** Null removes. */
  put(key: K, value: V | null, timestamp: number): void
  /** In unsigned byte order of the serialised keys. */
  all(): Iterable<[K, Timestamped<V>]>
  /** Approximate: entries as they are now. */
  readonly size: number
}

interface StoreSerdes<K, V> {
  readonly name: string
  readonly key: Serde<K>
  readonly value: Serde<V>
}

/** A key-value store in memory, with a changelog: what a task puts here, another task can restore. */
export function inMemoryKeyValueStore<K, V>(spec: StoreSerdes<K, V>): StoreSpec {
  return { ...spec, make: log => new InMemoryKeyValueStore(spec, log) }
}

interface SoughtKey {
  readonly key: unknown
  readonly bytes: Uint8Array
  readonly text: string
}

class InMemoryKeyValueStore<K, V> implements KeyValueStore<K, V> {
  readonly name: string
  readonly #serdes: StoreSerdes<K, V>
  readonly #log: ChangeLog | null
  /** By the key's bytes, one character a byte: equal bytes are equal strings, and strings sort as their bytes do. */
  readonly #entries = new Map<string, Timestamped<Uint8Array>>()
  #sought: SoughtKey | undefined

  constructor(serdes: StoreSerdes<K, V>, log: ChangeLog | null) {
    this.name = serdes.name
    this.#serdes = serdes
    this.#log = log
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: K): Timestamped<V> | undefined {
    const found = this.#entries.get(this.#seek(key).text)
    return found && { value: this.#value(found.value), timestamp: found.timestamp }
  }

  put(key: K, value: V | null, timestamp: number): void {
    const { bytes, text } = this.#seek(key)
    const valueBytes = value === null ? null : this.#serdes.value.serialize(value, { topic: this.name, part: 'value' })
    this.#set(text, valueBytes, timestamp)
    this.#log?.(bytes, valueBytes, timestamp)
  }

  restore(key: Uint8Array, value: Uint8Array | null, timestamp: number): void {
    this.#set(asText(key), value, timestamp)
  }

  *all(): Iterable<[K, Timestamped<V>]> {
    for (const text of [...this.#entries.keys()].sort()) {
      const { value, timestamp } = this.#entries.get(text)!
      yield [
        this.#serdes.key.deserialize(Buffer.from(text, 'latin1'), { topic: this.name, part: 'key' }),
        { value: this.#value(value), timestamp },
      ]
    }
  }

  close(): void {
    this.#entries.clear()
  }

  #set(text: string, value: Uint8Array | null, timestamp: number): void {
    if (value === null) this.#entries.delete(text)
    else this.#entries.set(text, { value, timestamp })
  }

  /** A put mostly follows a get of the same key: its bytes are kept, unless the key is an object, which may have changed in between. */
  #seek(key: K): SoughtKey {
    if (this.#sought?.key === key && typeof key !== 'object') return this.#sought
    const bytes = this.#serdes.key.serialize(key, { topic: this.name, part: 'key' })
    this.#sought = { key, bytes, text: asText(bytes) }
    return this.#sought
  }

  #value(bytes: Uint8Array): V {
    return this.#serdes.value.deserialize(bytes, { topic: this.name, part: 'value' })
  }
}

const asText = (bytes: Uint8Array): string =>
  (bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)).toString('latin1')
