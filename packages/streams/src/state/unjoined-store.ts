/**
 * Records of a left or outer join that have not found anybody yet, until their window closes. A row a record:
 *
 *     int64 timestamp ‖ int8 side (0 right, 1 left) ‖ int32 sequence ‖ key  →  value
 *
 * so that rows are read by time, of one time those of the right first (streams facts 2.23). The layout is our own (facts 3.3).
 */
import type { Serde } from '@odradek/client'
import { keyValueStore } from './key-value-store.ts'
import type { StoreSpec } from './state-store.ts'
import type { KeyValueStore } from './stores.ts'

export interface UnjoinedKey<K> {
  readonly timestamp: number
  readonly isLeft: boolean
  readonly sequence: number
  readonly key: K
}

export type UnjoinedStore<K, V> = KeyValueStore<UnjoinedKey<K>, V>

export interface UnjoinedDeclaration<K, V, W> {
  readonly name: string
  readonly key: Serde<K>
  readonly left: Serde<V>
  readonly right: Serde<W>
}

export function unjoinedStore<K, V, W>(declaration: UnjoinedDeclaration<K, V, W>): StoreSpec<UnjoinedStore<K, V | W>> {
  const { name, left, right } = declaration
  return keyValueStore({ name, key: unjoinedKeySerde(declaration.key), value: eitherSerde(left, right) })
}

const headLength = 13

function unjoinedKeySerde<K>(inner: Serde<K>): Serde<UnjoinedKey<K>> {
  return {
    name: 'unjoined key',
    serialize({ timestamp, isLeft, sequence, key }, context) {
      const bytes = inner.serialize(key, context)
      const out = Buffer.allocUnsafe(headLength + bytes.length)
      out.writeUInt32BE(Math.floor(timestamp / 2 ** 32), 0)
      out.writeUInt32BE(timestamp >>> 0, 4)
      out[8] = isLeft ? 1 : 0
      out.writeInt32BE(sequence, 9)
      out.set(bytes, headLength)
      return out
    },
    deserialize(bytes, context) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
      return {
        timestamp: view.getUint32(0) * 2 ** 32 + view.getUint32(4),
        isLeft: bytes[8] === 1,
        sequence: view.getInt32(9),
        key: inner.deserialize(bytes.subarray(headLength), context),
      }
    },
  }
}

/** A side and its value; which side is in the key, too, but a value is read without it. */
export interface Either<V, W> {
  readonly isLeft: boolean
  readonly value: V | W
}

function eitherSerde<V, W>(left: Serde<V>, right: Serde<W>): Serde<any> {
  return {
    name: 'either side',
    serialize({ isLeft, value }: Either<V, W>, context) {
      const bytes = isLeft ? left.serialize(value as V, context) : right.serialize(value as W, context)
      const out = Buffer.allocUnsafe(1 + bytes.length)
      out[0] = isLeft ? 1 : 0
      out.set(bytes, 1)
      return out
    },
    deserialize(bytes, context): Either<V, W> {
      const isLeft = bytes[0] === 1
      const rest = bytes.subarray(1)
      return { isLeft, value: isLeft ? left.deserialize(rest, context) : right.deserialize(rest, context) }
    },
  }
}
