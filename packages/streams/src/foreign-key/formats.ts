/**
 * What the two topics of a foreign-key join and its store hold, as Kafka Streams writes them (streams facts 3.3).
 *
 *     subscription   int8 version 1, | 80 without a hash ‖ int8 instruction ‖ [16 bytes hash] ‖ primary key ‖ int32 primary partition
 *     response       int8 0, | 80 without a hash ‖ [16 bytes hash] ‖ [value]
 *     stored key     int32 length ‖ foreign key ‖ primary key
 */
import type { Serde, SerdeContext } from '@odradek/client'
import { DecodeError } from '@odradek/protocol'

/** What the table that is pointed to has to do with a subscription. */
export const Instruction = {
  deleteQuietly: 0,
  deleteAndTell: 1,
  subscribeAndTell: 2,
  subscribeAndTellIfThere: 3,
} as const

/** A row says which key of the other table it points to; its hash comes back with the answer. */
export interface Subscription<K> {
  /** Null: the row is deleted. */
  readonly hash: Uint8Array | null
  readonly instruction: number
  readonly primaryKey: K
  readonly primaryPartition: number
}

/** What the row that is pointed to says now; null: it is not there. */
export interface ForeignResponse<W> {
  readonly hash: Uint8Array | null
  readonly foreignValue: W | null
  /** Where the row is that asked; not written. */
  readonly primaryPartition: number
}

export interface CombinedKey<G, K> {
  readonly foreignKey: G
  readonly primaryKey: K
}

const hashLength = 16
const withoutHash = 0x80

export function subscriptionSerde<K>(primaryKey: Serde<K>): Serde<Subscription<K>> {
  return {
    name: `subscription of ${primaryKey.name}`,
    serialize(subscription, context) {
      const { hash, instruction } = subscription
      const key = primaryKey.serialize(subscription.primaryKey, { ...context, part: 'key' })
      const keyAt = hash ? 2 + hashLength : 2
      const out = Buffer.allocUnsafe(keyAt + key.length + 4)
      out[0] = hash ? 1 : 1 | withoutHash
      out[1] = instruction
      if (hash) out.set(hash, 2)
      out.set(key, keyAt)
      out.writeInt32BE(subscription.primaryPartition, keyAt + key.length)
      return out
    },
    deserialize(bytes, context) {
      const head = bytes[0] ?? 0
      const keyAt = head & withoutHash ? 2 : 2 + hashLength
      const end = bytes.length - 4
      if ((head & 0x7f) !== 1 || bytes[1]! > 3 || end < keyAt) throw unreadable('subscription', bytes, context)
      return {
        hash: head & withoutHash ? null : bytes.subarray(2, keyAt),
        instruction: bytes[1]!,
        primaryKey: primaryKey.deserialize(bytes.subarray(keyAt, end), { ...context, part: 'key' }),
        primaryPartition: int32At(bytes, end),
      }
    },
  }
}

export function responseSerde<W>(foreignValue: Serde<W>): Serde<ForeignResponse<W>> {
  return {
    name: `response of ${foreignValue.name}`,
    serialize({ hash, foreignValue: value }, context) {
      const bytes = value === null ? new Uint8Array() : foreignValue.serialize(value, context)
      const valueAt = hash ? 1 + hashLength : 1
      const out = Buffer.allocUnsafe(valueAt + bytes.length)
      out[0] = hash ? 0 : withoutHash
      if (hash) out.set(hash, 1)
      out.set(bytes, valueAt)
      return out
    },
    deserialize(bytes, context) {
      const head = bytes[0] ?? 1
      const valueAt = head & withoutHash ? 1 : 1 + hashLength
      if ((head & 0x7f) !== 0 || bytes.length < valueAt) throw unreadable('response', bytes, context)
      return {
        hash: head & withoutHash ? null : bytes.subarray(1, valueAt),
        foreignValue: bytes.length > valueAt ? foreignValue.deserialize(bytes.subarray(valueAt), context) : null,
        primaryPartition: -1,
      }
    },
  }
}

export function combinedKeySerde<G, K>(foreignKey: Serde<G>, primaryKey: Serde<K>): Serde<CombinedKey<G, K>> {
  return {
    name: 'combined key',
    serialize: (key, context) =>
      Buffer.concat([
        foreignKeyPrefix(foreignKey.serialize(key.foreignKey, context)),
        primaryKey.serialize(key.primaryKey, context),
      ]),
    deserialize(bytes, context) {
      const primaryAt = 4 + int32At(bytes, 0)
      return {
        foreignKey: foreignKey.deserialize(bytes.subarray(4, primaryAt), context),
        primaryKey: primaryKey.deserialize(bytes.subarray(primaryAt), context),
      }
    },
  }
}

/** What the stored keys of all rows that point to one key begin with. Its length is a part, so no other key's begin so (streams facts 2.42). */
export function foreignKeyPrefix(foreignKey: Uint8Array): Uint8Array {
  const out = Buffer.allocUnsafe(4 + foreignKey.length)
  out.writeInt32BE(foreignKey.length, 0)
  out.set(foreignKey, 4)
  return out
}

const int32At = (bytes: Uint8Array, at: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getInt32(at)

const unreadable = (what: string, { length }: Uint8Array, { topic }: SerdeContext): DecodeError =>
  new DecodeError(`${length} bytes on topic '${topic}' are no ${what} of a foreign-key join of version 1.`)
