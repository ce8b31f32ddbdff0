/**
 * Records that wait for a table to catch up, by time:
 *
 *     int64 timestamp ‖ int32 sequence ‖ key  →  int32 headers { int32 length ‖ name ‖ int32 length or -1 ‖ value } … ‖ value
 */
import type { Serde } from '@odradek/client'
import type { RecordHeaders } from '../record.ts'
import { bufferOf, readInt64, writeInt64 } from './changelog-keys.ts'
import { keyValueStore } from './key-value-store.ts'
import type { StoreSpec } from './state-store.ts'
import type { KeyValueStore } from './stores.ts'

export interface WaitingKey<K> {
  readonly timestamp: number
  readonly sequence: number
  readonly key: K
}

export interface Waiting<V> {
  readonly value: V
  readonly headers: RecordHeaders
}

export type WaitingStore<K, V> = KeyValueStore<WaitingKey<K>, Waiting<V>>

export const waitingStore = <K, V>(name: string, key: Serde<K>, value: Serde<V>): StoreSpec<WaitingStore<K, V>> =>
  keyValueStore({ name, key: keySerde(key), value: waitingSerde(value) })

const headLength = 12

function keySerde<K>(inner: Serde<K>): Serde<WaitingKey<K>> {
  return {
    name: 'waiting key',
    serialize({ timestamp, sequence, key }, context) {
      const bytes = inner.serialize(key, context)
      const out = Buffer.allocUnsafe(headLength + bytes.length)
      writeInt64(out, 0, timestamp)
      out.writeInt32BE(sequence, 8)
      out.set(bytes, headLength)
      return out
    },
    deserialize(bytes, context) {
      return {
        timestamp: readInt64(bufferOf(bytes), 0),
        sequence: bufferOf(bytes).readInt32BE(8),
        key: inner.deserialize(bytes.subarray(headLength), context),
      }
    },
  }
}

function waitingSerde<V>(inner: Serde<V>): Serde<Waiting<V>> {
  return {
    name: 'waiting record',
    serialize({ value, headers }, context) {
      const parts: Uint8Array[] = [int32(headers.length)]
      for (const [name, bytes] of headers) {
        const text = Buffer.from(name)
        parts.push(int32(text.length), text, int32(bytes?.length ?? -1), ...(bytes ? [bytes] : []))
      }
      return Buffer.concat([...parts, inner.serialize(value, context)])
    },
    deserialize(bytes, context) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
      let at = 4
      const part = (): Uint8Array | null => {
        const length = view.getInt32(at)
        at += 4 + Math.max(0, length)
        return length < 0 ? null : bytes.slice(at - length, at)
      }
      const headers = Array.from({ length: view.getInt32(0) }, () => [Buffer.from(part()!).toString(), part()] as const)
      return { headers, value: inner.deserialize(bytes.subarray(at), context) }
    },
  }
}

function int32(value: number): Uint8Array {
  const out = Buffer.allocUnsafe(4)
  out.writeInt32BE(value)
  return out
}
