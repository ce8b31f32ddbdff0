/**
 * The producers of a partition as of an offset, in a file of that name. FORMAT.md has the bytes.
 *
 * Written at each roll and at shutdown, of a log that is durable up to that offset. Whatever follows the offset in the log is replayed
 * on top; without any valid snapshot, the whole log is.
 */
import { crc32c } from '@odradek/protocol'
import type { ProducerEntry, WrittenBatch } from './producer-state.ts'

const magic = 0x4f445053 // "ODPS"
const version = 1
const headSize = 24
const producerSize = 20
const batchSize = 24

export function encodeSnapshot(offset: number, producers: Iterable<ProducerEntry>): Uint8Array {
  const entries = [...producers]
  const bytes = new Uint8Array(
    entries.reduce((size, entry) => size + producerSize + entry.window.length * batchSize, headSize),
  )
  const view = new DataView(bytes.buffer)
  view.setUint32(0, magic)
  view.setUint32(4, version)
  view.setBigInt64(12, BigInt(offset))
  view.setUint32(20, entries.length)
  let at = headSize
  for (const entry of entries) {
    view.setBigInt64(at, entry.producerId)
    view.setInt16(at + 8, entry.epoch)
    view.setInt16(at + 10, entry.window.length)
    view.setBigInt64(at + 12, BigInt(entry.lastSeen))
    at += producerSize
    for (const batch of entry.window) {
      view.setInt32(at, batch.firstSequence)
      view.setInt32(at + 4, batch.lastSequence)
      view.setBigInt64(at + 8, BigInt(batch.baseOffset))
      view.setBigInt64(at + 16, BigInt(batch.timestamp))
      at += batchSize
    }
  }
  view.setUint32(8, crc32c(bytes, 12))
  return bytes
}

/** Undefined when the bytes are not a whole, unharmed snapshot as of this offset. */
export function decodeSnapshot(bytes: Uint8Array, offset: number): ProducerEntry[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < headSize || view.getUint32(0) !== magic || view.getUint32(4) !== version) return undefined
  if (view.getUint32(8) !== crc32c(bytes, 12) || Number(view.getBigInt64(12)) !== offset) return undefined
  const entries: ProducerEntry[] = []
  let at = headSize
  for (let left = view.getUint32(20); left > 0; left--) {
    const window: WrittenBatch[] = []
    const entry = {
      producerId: view.getBigInt64(at),
      epoch: view.getInt16(at + 8),
      window,
      lastSeen: Number(view.getBigInt64(at + 12)),
    }
    const end = at + producerSize + view.getInt16(at + 10) * batchSize
    for (at += producerSize; at < end; at += batchSize) {
      window.push({
        firstSequence: view.getInt32(at),
        lastSequence: view.getInt32(at + 4),
        baseOffset: Number(view.getBigInt64(at + 8)),
        timestamp: Number(view.getBigInt64(at + 16)),
      })
    }
    entries.push(entry)
  }
  return entries
}
