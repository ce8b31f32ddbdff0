/**
 * Keys of changelogs that hold more than a key, as Kafka Streams writes them. Numbers are big-endian.
 *
 *     window:  key ‖ int64 start ‖ int32 sequence (0, unless one window holds several values)
 *     session: key ‖ int64 end ‖ int64 start
 */
import { DecodeError } from '@odradek/protocol'

export function windowKey(key: Uint8Array, start: number, sequence: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(key.length + 12)
  bytes.set(key)
  writeInt64(bytes, key.length, start)
  bytes.writeInt32BE(sequence, key.length + 8)
  return bytes
}

export function readWindowKey(bytes: Uint8Array): { key: Uint8Array; start: number; sequence: number } {
  const end = lengthBefore(bytes, 12, 'window')
  const view = bufferOf(bytes)
  return { key: bytes.subarray(0, end), start: readInt64(view, end), sequence: view.readInt32BE(end + 8) }
}

export function sessionKey(key: Uint8Array, start: number, end: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(key.length + 16)
  bytes.set(key)
  writeInt64(bytes, key.length, end)
  writeInt64(bytes, key.length + 8, start)
  return bytes
}

export function readSessionKey(bytes: Uint8Array): { key: Uint8Array; start: number; end: number } {
  const length = lengthBefore(bytes, 16, 'session')
  const view = bufferOf(bytes)
  return { key: bytes.subarray(0, length), end: readInt64(view, length), start: readInt64(view, length + 8) }
}

function lengthBefore(bytes: Uint8Array, suffix: number, what: string): number {
  if (bytes.length >= suffix) return bytes.length - suffix
  throw new DecodeError(
    `A ${what} key of a changelog has ${bytes.length} bytes, and at least ${suffix} belong to its times: the topic is not the changelog of this store.`,
  )
}

export const bufferOf = (bytes: Uint8Array): Buffer =>
  bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Whole numbers within ±2^53. */
export function writeInt64(into: Buffer, at: number, value: number): void {
  const high = Math.floor(value / 2 ** 32)
  into.writeInt32BE(high, at)
  into.writeUInt32BE(value - high * 2 ** 32, at + 4)
}

export function readInt64(from: Buffer, at: number): number {
  const value = from.readInt32BE(at) * 2 ** 32 + from.readUInt32BE(at + 4)
  if (Number.isSafeInteger(value)) return value
  throw new DecodeError(`A time in a changelog is ${value}, beyond what a number holds exactly.`)
}
