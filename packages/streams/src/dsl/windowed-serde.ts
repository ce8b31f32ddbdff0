/**
 * Keys of windows as Kafka Streams writes them to topics. Numbers are int64, big-endian.
 *
 *     time:    key ‖ start             the end follows from the size
 *     session: key ‖ end ‖ start
 */
import { partitionOfKey, type Serde, type SerdeContext } from '@odradek/client'
import { DecodeError } from '@odradek/protocol'
import { bufferOf, readInt64, readSessionKey, sessionKey, writeInt64 } from '../state/changelog-keys.ts'
import type { Windowed } from '../state/stores.ts'
import type { StreamPartitioner } from '../topology/node-spec.ts'

export interface WindowedSerde<K> extends Serde<Windowed<K>> {
  /** Of the key alone: it decides the partition (streams facts 2.51). */
  readonly inner: Serde<K>
}

export const windowedSerde = {
  /** For tumbling, hopping, sliding and unlimited windows of this size. */
  time<K>(inner: Serde<K>, sizeMs: number): WindowedSerde<K> {
    return {
      name: `windowed ${inner.name}`,
      inner,
      serialize({ key, start }, context) {
        const bytes = inner.serialize(key, context)
        const out = Buffer.allocUnsafe(bytes.length + 8)
        out.set(bytes)
        writeInt64(out, bytes.length, start)
        return out
      },
      deserialize(bytes, context) {
        const length = lengthBefore(bytes, 8, context)
        const start = readInt64(bufferOf(bytes), length)
        const end = Math.min(start + sizeMs, Number.MAX_SAFE_INTEGER)
        return { key: inner.deserialize(bytes.subarray(0, length), context), start, end }
      },
    }
  },

  session<K>(inner: Serde<K>): WindowedSerde<K> {
    return {
      name: `session ${inner.name}`,
      inner,
      serialize: ({ key, start, end }, context) => sessionKey(inner.serialize(key, context), start, end),
      deserialize(bytes, context) {
        lengthBefore(bytes, 16, context)
        const { key, start, end } = readSessionKey(bytes)
        return { key: inner.deserialize(key, context), start, end }
      },
    }
  },
}

/** Windows of one key share a partition, whatever their times; undefined for keys that are no windows. */
export function windowPartitioner(key: Serde<any>): StreamPartitioner | undefined {
  if (!('inner' in key)) return undefined
  const { inner } = key as WindowedSerde<unknown>
  return (windowed: Windowed<unknown>, _value, { topic, partitions }) =>
    partitionOfKey(inner.serialize(windowed.key, { topic, part: 'key' }), partitions)
}

function lengthBefore(bytes: Uint8Array, suffix: number, { topic }: SerdeContext): number {
  if (bytes.length >= suffix) return bytes.length - suffix
  throw new DecodeError(
    `A key of topic '${topic}' has ${bytes.length} bytes, and at least ${suffix} belong to its window: whoever wrote it did not write windowed keys.`,
  )
}
