/**
 * The producers of a partition as of an offset, with their transactions, in a file of that name. FORMAT.md has the bytes.
 *
 * Written at each roll and at shutdown, of a log that is durable up to that offset. Whatever follows the offset in the log is replayed
 * on top; without any valid snapshot, the whole log is.
 */
import { crc32c } from '@odradek/protocol'
import type { ProducerEntry, WrittenBatch } from './producer-state.ts'
import type { AbortedTransaction } from './transactions.ts'

export interface SnapshotEntry extends ProducerEntry {
  /** First offset of its open transaction; -1: it has none. */
  readonly transactionStart: number
}

const magic = 0x4f445053 // "ODPS"
const version = 4
/**
 * Version 1 knew of no transactions, version 2 not who wrote the last marker. The checksum leaves out the number, so that two of them
 * must differ in more than one bit: there is no version 3.
 */
const layouts = {
  1: { headSize: 24, producerSize: 20 },
  2: { headSize: 28, producerSize: 36 },
  4: { headSize: 28, producerSize: 48 },
} as const
const { headSize, producerSize }: { headSize: number; producerSize: number } = layouts[version]
const batchSize = 24
const abortedSize = 24

export function encodeSnapshot(
  offset: number,
  producers: Iterable<SnapshotEntry>,
  aborted: readonly AbortedTransaction[] = [],
): Uint8Array {
  const entries = [...producers]
  let size = headSize + aborted.length * abortedSize
  for (const { window } of entries) size += producerSize + window.length * batchSize
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, magic)
  view.setUint32(4, version)
  setInt64(view, 12, offset)
  view.setUint32(20, entries.length)
  view.setUint32(24, aborted.length)
  let at: number = headSize
  for (const entry of entries) at = writeProducer(view, at, entry)
  for (const { producerId, firstOffset, lastOffset } of aborted) {
    view.setBigInt64(at, producerId)
    setInt64(view, at + 8, firstOffset)
    setInt64(view, at + 16, lastOffset)
    at += abortedSize
  }
  view.setUint32(8, crc32c(bytes, 12))
  return bytes
}

function writeProducer(view: DataView, start: number, entry: SnapshotEntry): number {
  view.setBigInt64(start, entry.producerId)
  view.setInt16(start + 8, entry.epoch)
  view.setInt16(start + 10, entry.window.length)
  setInt64(view, start + 12, entry.lastSeen)
  setInt64(view, start + 20, entry.markerOffset)
  setInt64(view, start + 28, entry.transactionStart)
  view.setInt32(start + 36, entry.coordinatorEpoch)
  setInt64(view, start + 40, entry.lastTimestamp)
  let at = start + producerSize
  for (const batch of entry.window) {
    view.setInt32(at, batch.firstSequence)
    view.setInt32(at + 4, batch.lastSequence)
    setInt64(view, at + 8, batch.baseOffset)
    setInt64(view, at + 16, batch.timestamp)
    at += batchSize
  }
  return at
}

/** Undefined when the bytes are not a whole, unharmed snapshot as of this offset. */
export function decodeSnapshot(bytes: Uint8Array, offset: number): SnapshotEntry[] | undefined {
  const head = readHead(bytes)
  if (head === undefined || getInt64(head.view, 12) !== offset) return undefined
  const entries: SnapshotEntry[] = []
  let at = head.headSize
  for (let left = head.view.getUint32(20); left > 0; left--) {
    const entry = readProducer(head, at)
    entries.push(entry)
    at += head.producerSize + entry.window.length * batchSize
  }
  return entries
}

/** The aborted transactions of a snapshot that is whole. */
export function decodeAborted(bytes: Uint8Array): AbortedTransaction[] {
  const head = readHead(bytes)
  if (head === undefined || head.version === 1) return []
  const { view } = head
  const aborted: AbortedTransaction[] = []
  for (let at = bytes.length - view.getUint32(24) * abortedSize; at < bytes.length; at += abortedSize) {
    aborted.push({
      producerId: view.getBigInt64(at),
      firstOffset: getInt64(view, at + 8),
      lastOffset: getInt64(view, at + 16),
    })
  }
  return aborted
}

interface Head {
  view: DataView
  version: keyof typeof layouts
  headSize: number
  producerSize: number
}

function readHead(bytes: Uint8Array): Head | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < layouts[1].headSize || view.getUint32(0) !== magic) return undefined
  const found = view.getUint32(4)
  if (!isKnown(found) || view.getUint32(8) !== crc32c(bytes, 12)) return undefined
  return { view, version: found, ...layouts[found] }
}

const isKnown = (found: number): found is keyof typeof layouts => found in layouts

function readProducer({ view, version, producerSize }: Head, start: number): SnapshotEntry {
  const window: WrittenBatch[] = []
  const end = start + producerSize + view.getInt16(start + 10) * batchSize
  for (let at = start + producerSize; at < end; at += batchSize) {
    window.push({
      firstSequence: view.getInt32(at),
      lastSequence: view.getInt32(at + 4),
      baseOffset: getInt64(view, at + 8),
      timestamp: getInt64(view, at + 16),
    })
  }
  return {
    producerId: view.getBigInt64(start),
    epoch: view.getInt16(start + 8),
    window,
    lastSeen: getInt64(view, start + 12),
    markerOffset: version === 1 ? -1 : getInt64(view, start + 20),
    transactionStart: version === 1 ? -1 : getInt64(view, start + 28),
    coordinatorEpoch: version < 4 ? -1 : view.getInt32(start + 36),
    lastTimestamp: version < 4 ? (window.at(-1)?.timestamp ?? -1) : getInt64(view, start + 40),
  }
}

const setInt64 = (view: DataView, at: number, value: number): void => view.setBigInt64(at, BigInt(value))
const getInt64 = (view: DataView, at: number): number => Number(view.getBigInt64(at))
