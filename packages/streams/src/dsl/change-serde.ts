/**
 * Changes of a grouped table on its repartition topic, as Kafka Streams writes them (KIP-904, KIP-914). The last byte tells which.
 *
 *     old ‖ 00                              taken away
 *     new ‖ 01                              added
 *     length(new) ‖ new ‖ old ‖ 02          both; the length as a zigzag varint
 *     … ‖ isLatest ‖ 03 | 04 | 05           the same three, of a versioned table
 */
import type { Serde, SerdeContext } from '@odradek/client'
import { DecodeError } from '@odradek/protocol'
import { type Change, changeOf } from '../change.ts'
import { isNothing } from '../record.ts'

const tags = { old: 0, new: 1, both: 2 } as const
const versionedBy = 3

export function changeSerde<V>(inner: Serde<V>): Serde<Change<V>> {
  return {
    name: `change of ${inner.name}`,
    serialize({ newValue, oldValue }, context) {
      if (isNothing(oldValue)) return tagged(inner.serialize(newValue!, context), tags.new)
      const old = inner.serialize(oldValue, context)
      if (isNothing(newValue)) return tagged(old, tags.old)
      return both(inner.serialize(newValue, context), old)
    },
    deserialize(bytes, context) {
      const { tag, end, isLatest } = readTag(bytes, context)
      const read = (from: number, to: number) => inner.deserialize(bytes.subarray(from, to), context)
      if (tag === tags.old) return changeOf<V>(null, read(0, end), isLatest)
      if (tag === tags.new) return changeOf<V>(read(0, end), null, isLatest)
      const { length, at } = readLength(bytes, context)
      if (length > end - at) throw unreadable(context, `says that ${length} bytes follow, and ${end - at} do`)
      return changeOf<V>(read(at, at + length), read(at + length, end), isLatest)
    },
  }
}

function tagged(bytes: Uint8Array, tag: number): Uint8Array {
  const out = Buffer.allocUnsafe(bytes.length + 1)
  out.set(bytes)
  out[bytes.length] = tag
  return out
}

function both(now: Uint8Array, old: Uint8Array): Uint8Array {
  let length = now.length * 2
  const head: number[] = []
  for (; length > 0x7f; length >>>= 7) head.push((length & 0x7f) | 0x80)
  head.push(length)
  return Buffer.concat([Buffer.from(head), now, old, Buffer.of(tags.both)])
}

function readTag(bytes: Uint8Array, context: SerdeContext): { tag: number; end: number; isLatest: boolean } {
  const last = bytes.at(-1)
  if (last !== undefined && last <= tags.both) return { tag: last, end: bytes.length - 1, isLatest: true }
  if (last !== undefined && last <= tags.both + versionedBy && bytes.length >= 2)
    return { tag: last - versionedBy, end: bytes.length - 2, isLatest: bytes.at(-2) === 1 }
  throw unreadable(context, last === undefined ? 'is empty' : `ends with ${last}`)
}

function readLength(bytes: Uint8Array, context: SerdeContext): { length: number; at: number } {
  let length = 0
  for (let at = 0; at < Math.min(5, bytes.length); at++) {
    const byte = bytes[at]!
    length += (byte & 0x7f) * 2 ** (7 * at)
    if (byte <= 0x7f && length % 2 === 0) return { length: length / 2, at: at + 1 }
  }
  throw unreadable(context, 'begins with a length that does not end')
}

const unreadable = ({ topic }: SerdeContext, what: string): DecodeError =>
  new DecodeError(
    `A change on topic '${topic}' ${what}: no Kafka Streams application of 3.5 or later has written it there.`,
  )
