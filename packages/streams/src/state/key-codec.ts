import { serde as builtIn, type Serde } from '@odradek/client'
import { bytesOf, type StoreKey, textOf } from './tables.ts'

const memoLength = 8192

/**
 * Keys of a store as bytes and back. Keys that are no objects are remembered, so that one that comes again and again is written once;
 * an object may have changed in between, and is written each time.
 */
export class KeyCodec<K> {
  readonly #serde: Serde<K>
  readonly #context: { topic: string; part: 'key' }
  readonly #isText: boolean
  readonly #isInteger: boolean
  readonly #memo = new Map<K, StoreKey>()

  constructor(store: string, serde: Serde<K>) {
    this.#serde = serde
    this.#context = { topic: store, part: 'key' }
    this.#isText = (serde as unknown) === builtIn.string
    this.#isInteger = (serde as unknown) === builtIn.int64 || (serde as unknown) === builtIn.int32
  }

  of(key: K): StoreKey {
    const known = this.#memo.get(key)
    if (known) return known
    const bytes = this.#serde.serialize(key, this.#context)
    if (typeof key === 'object') return { bytes, text: textOf(bytes) }
    const found = { bytes: new Uint8Array(bytes), text: textOf(bytes) }
    if (this.#memo.size >= memoLength) this.#memo.clear()
    this.#memo.set(key, found)
    return found
  }

  /** Equal for keys of equal bytes and for no others: the key itself where its serde keeps what is different apart. */
  identityOf(key: K): unknown {
    if (typeof key === 'string' && this.#isText) return key.isWellFormed() ? key : `\ud800${this.of(key).text}`
    if (typeof key === 'number' && this.#isInteger) return key
    return this.of(key).text
  }

  read(text: string): K {
    return this.#serde.deserialize(bytesOf(text), this.#context)
  }
}

/** Values of a store as bytes and back. */
export class ValueCodec<V> {
  readonly #serde: Serde<V>
  readonly #context: { topic: string; part: 'value' }

  constructor(store: string, serde: Serde<V>) {
    this.#serde = serde
    this.#context = { topic: store, part: 'value' }
  }

  write(value: V): Uint8Array {
    return this.#serde.serialize(value, this.#context)
  }

  read(bytes: Uint8Array): V {
    return this.#serde.deserialize(bytes, this.#context)
  }
}

/** A key that is bytes already, as in a changelog. */
export const storeKeyOf = (bytes: Uint8Array): StoreKey => ({ bytes, text: textOf(bytes) })
