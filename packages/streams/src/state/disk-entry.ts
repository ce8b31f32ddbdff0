/**
 * How an entry stands in the database:
 *
 *     int64 timestamp ‖ value
 *
 * The first bit of the timestamp says that there is no value: a version from which on there was nothing.
 */
import { CorruptionError } from '@odradek/protocol'
import { bufferOf, writeInt64 } from './changelog-keys.ts'

export interface StoredEntry {
  /** Bytes as text, see `MemoryKeyTable`; or bytes, where many come together and are written soon. */
  readonly value: string | Uint8Array | null
  readonly timestamp: number
}

let scratch = Buffer.alloc(64 * 1024)

/** Valid until the next call. */
export function writeEntry({ value, timestamp }: StoredEntry): Uint8Array {
  const length = 8 + (value?.length ?? 0)
  if (scratch.length < length) scratch = Buffer.alloc(2 * length)
  writeInt64(scratch, 0, timestamp)
  if (value === null) scratch[0] = 0x80
  else if (typeof value === 'string') scratch.write(value, 8, 'latin1')
  else scratch.set(value, 8)
  return scratch.subarray(0, length)
}

export function readEntry(bytes: Uint8Array): { value: Uint8Array | null; timestamp: number } {
  if (bytes.length < 8)
    throw new CorruptionError(`An entry of a store on disk has ${bytes.length} bytes, and 8 are its timestamp.`)
  const buffer = bufferOf(bytes)
  const high = buffer.readUInt32BE(0)
  const timestamp = (high & 0x7fffffff) * 2 ** 32 + buffer.readUInt32BE(4)
  return { value: high >= 0x80000000 ? null : buffer.subarray(8), timestamp }
}
