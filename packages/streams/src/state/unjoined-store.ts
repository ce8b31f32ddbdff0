/**
 * Records of a left or outer join that have not found anybody yet, until their window closes: all of one key, side and time in a row.
 *
 *     int64 timestamp ‖ int8 side (0 right, 1 left) ‖ key  →  { int32 length ‖ value } …
 *
 * so that rows are read by time, of one time those of the right first (streams facts 2.23).
 */
import type { Serde } from '@odradek/client'
import { bufferOf, readInt64, writeInt64 } from './changelog-keys.ts'
import { keyValueStore } from './key-value-store.ts'
import type { StoreSpec } from './state-store.ts'
import type { KeyValueStore, StoreOptions } from './stores.ts'

export interface UnjoinedKey<K> {
  readonly timestamp: number
  readonly isLeft: boolean
  readonly key: K
}

export type UnjoinedStore<K, V> = KeyValueStore<UnjoinedKey<K>, Unjoined<V>>

/** Values of one side, in the order they came. */
export interface Unjoined<V> {
  readonly isLeft: boolean
  readonly values: readonly V[]
}

export function unjoinedStore<K, V, W>(declaration: {
  name: string
  key: Serde<K>
  left: Serde<V>
  right: Serde<W>
  options?: StoreOptions
}): StoreSpec<UnjoinedStore<K, V | W>> {
  const { name, left, right, options } = declaration
  const value = listSerde<V | W>(isLeft => (isLeft ? left : right) as Serde<V | W>)
  return keyValueStore({ name, key: keySerde(declaration.key), value, options })
}

const headLength = 9

function keySerde<K>(inner: Serde<K>): Serde<UnjoinedKey<K>> {
  return {
    name: 'unjoined key',
    serialize({ timestamp, isLeft, key }, context) {
      const bytes = inner.serialize(key, context)
      const out = Buffer.allocUnsafe(headLength + bytes.length)
      writeInt64(out, 0, timestamp)
      out[8] = isLeft ? 1 : 0
      out.set(bytes, headLength)
      return out
    },
    deserialize(bytes, context) {
      return {
        timestamp: readInt64(bufferOf(bytes), 0),
        isLeft: bytes[8] === 1,
        key: inner.deserialize(bytes.subarray(headLength), context),
      }
    },
  }
}

function listSerde<V>(serdeOf: (isLeft: boolean) => Serde<V>): Serde<Unjoined<V>> {
  return {
    name: 'unjoined values',
    serialize({ isLeft, values }, context) {
      const parts: Uint8Array[] = [Buffer.of(isLeft ? 1 : 0)]
      for (const value of values) {
        const bytes = serdeOf(isLeft).serialize(value, context)
        const length = Buffer.allocUnsafe(4)
        length.writeInt32BE(bytes.length)
        parts.push(length, bytes)
      }
      return Buffer.concat(parts)
    },
    deserialize(bytes, context) {
      const isLeft = bytes[0] === 1
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
      const values: V[] = []
      for (let at = 1; at < bytes.length; ) {
        const end = at + 4 + view.getInt32(at)
        values.push(serdeOf(isLeft).deserialize(bytes.subarray(at + 4, end), context))
        at = end
      }
      return { isLeft, values }
    },
  }
}
