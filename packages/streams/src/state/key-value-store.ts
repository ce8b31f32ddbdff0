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

class InMemoryKeyValueStore<K, V> implements KeyValueStore<K, V> {
  readonly name: string
  readonly #serdes: StoreSerdes<K, V>
  readonly #log: ChangeLog | null
  /** By the key's bytes, one character a byte: equal bytes are equal strings, and strings sort as their bytes do. */
  readonly #entries = new Map<string, Timestamped<Uint8Array>>()

  constructor(serdes: StoreSerdes<K, V>, log: ChangeLog | null) {
    this.name = serdes.name
    this.#serdes = serdes
    this.#log = log
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: K): Timestamped<V> | undefined {
    const found = this.#entries.get(asText(this.#keyBytes(key)))
    return found && { value: this.#value(found.value), timestamp: found.timestamp }
  }

  put(key: K, value: V | null, timestamp: number): void {
    const keyBytes = this.#keyBytes(key)
    const valueBytes = value === null ? null : this.#serdes.value.serialize(value, { topic: this.name, part: 'value' })
    this.restore(keyBytes, valueBytes as Uint8Array | null, timestamp)
    this.#log?.(keyBytes, valueBytes as Uint8Array | null, timestamp)
  }

  restore(key: Uint8Array, value: Uint8Array | null, timestamp: number): void {
    if (value === null) this.#entries.delete(asText(key))
    else this.#entries.set(asText(key), { value, timestamp })
  }

  *all(): Iterable<[K, Timestamped<V>]> {
    for (const text of [...this.#entries.keys()].sort()) {
      const { value, timestamp } = this.#entries.get(text)!
      yield [
        this.#serdes.key.deserialize(Buffer.from(text, 'latin1'), { topic: this.name, part: 'key' }) as K,
        { value: this.#value(value), timestamp },
      ]
    }
  }

  close(): void {
    this.#entries.clear()
  }

  #keyBytes(key: K): Uint8Array {
    return this.#serdes.key.serialize(key, { topic: this.name, part: 'key' }) as Uint8Array
  }

  #value(bytes: Uint8Array): V {
    return this.#serdes.value.deserialize(bytes, { topic: this.name, part: 'value' }) as V
  }
}

const asText = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
