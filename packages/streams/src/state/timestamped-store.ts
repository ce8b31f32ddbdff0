import type { Serde } from '@odradek/client'
import { onlyBytes } from '../dsl/only-bytes.ts'
import type { ChangeLog, StoreSpec } from './state-store.ts'
import type { Range, Timestamped, TimestampedKeyValueStore } from './stores.ts'

interface StoreSerdes<K, V> {
  readonly name: string
  readonly key: Serde<K>
  readonly value: Serde<V>
}

const compacted = { 'cleanup.policy': 'compact', 'message.timestamp.type': 'CreateTime' }

/** A store of a table, with a changelog: what a task puts here, another task can restore. */
export function timestampedStore<K, V>(options: {
  name: string
  key?: Serde<K> | undefined
  value?: Serde<V> | undefined
}): StoreSpec<TimestampedKeyValueStore<K, V>> {
  const { name, key = onlyBytes, value = onlyBytes } = options
  return {
    name,
    changelog: { config: compacted },
    make: ({ log }) => new InMemoryTimestampedStore({ name, key, value }, log),
  }
}

interface SoughtKey {
  readonly key: unknown
  readonly bytes: Uint8Array
  readonly text: string
}

class InMemoryTimestampedStore<K, V> implements TimestampedKeyValueStore<K, V> {
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

  onEviction(): boolean {
    return false
  }

  all(): Iterable<[K, Timestamped<V>]> {
    return this.#entriesFrom(() => true)
  }

  range({ from, to, reverse = false }: Range<K>): Iterable<[K, Timestamped<V>]> {
    const first = from === undefined ? undefined : this.#seek(from).text
    const last = to === undefined ? undefined : this.#seek(to).text
    return this.#entriesFrom(
      text => (first === undefined || text >= first) && (last === undefined || text <= last),
      reverse,
    )
  }

  prefixScan(prefix: Uint8Array): Iterable<[K, Timestamped<V>]> {
    const start = asText(prefix)
    return this.#entriesFrom(text => text.startsWith(start))
  }

  *#entriesFrom(isWanted: (text: string) => boolean, reverse = false): Iterable<[K, Timestamped<V>]> {
    const texts = [...this.#entries.keys()].filter(isWanted).sort()
    for (const text of reverse ? texts.reverse() : texts) {
      const found = this.#entries.get(text)
      if (!found) continue
      const { value, timestamp } = found
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
