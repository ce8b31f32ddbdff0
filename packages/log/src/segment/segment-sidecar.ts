/**
 * What is known of a segment without reading it, written beside it as `….index` when the segment is closed. FORMAT.md has the bytes.
 *
 * It describes the first `logSize` bytes of the segment, which were durable before it was written, so it stays true when the segment
 * grows. It needs no sync of its own: both parts carry a checksum, and one that is missing or wrong is made again from the log.
 */
import { CorruptionError } from '@odradek/protocol/errors'
import { crc32c } from '@odradek/protocol/records'
import type { EpochStart } from './leader-epochs.ts'
import { SparseIndex } from './sparse-index.ts'

export interface SidecarHead {
  readonly baseOffset: number
  readonly nextOffset: number
  readonly logSize: number
  readonly firstTimestamp: number
  readonly maxTimestamp: number
  /** Bytes of log since the last index entry. */
  readonly sinceEntry: number
  readonly epochs: readonly EpochStart[]
  readonly entryCount: number
  readonly entriesCrc: number
}

const magic = 0x4f444958 // "ODIX"
const version = 1
const fixedSize = 72
const epochSize = 12
const entrySize = 16
/** Enough of the file to hold the head of nearly every segment. */
export const sidecarHeadSize = 512

export function encodeSidecar(head: Omit<SidecarHead, 'entryCount' | 'entriesCrc'>, index: SparseIndex): Uint8Array {
  const entriesAt = fixedSize + head.epochs.length * epochSize
  const bytes = new Uint8Array(entriesAt + index.length * entrySize)
  const view = new DataView(bytes.buffer)
  for (let i = 0, at = entriesAt; i < index.length; i++, at += entrySize) {
    const entry = index.entry(i)
    view.setUint32(at, entry.relativeOffset)
    view.setUint32(at + 4, entry.position)
    setInt64(view, at + 8, entry.maxTimestampBefore)
  }
  view.setUint32(0, magic)
  view.setUint32(4, version)
  view.setUint32(12, head.epochs.length)
  view.setUint32(16, index.length)
  view.setUint32(20, crc32c(bytes, entriesAt))
  setInt64(view, 24, head.baseOffset)
  setInt64(view, 32, head.nextOffset)
  setInt64(view, 40, head.logSize)
  setInt64(view, 48, head.firstTimestamp)
  setInt64(view, 56, head.maxTimestamp)
  setInt64(view, 64, head.sinceEntry)
  head.epochs.forEach((start, i) => {
    view.setInt32(fixedSize + i * epochSize, start.epoch)
    setInt64(view, fixedSize + i * epochSize + 4, start.startOffset)
  })
  view.setUint32(8, crc32c(bytes, 12, entriesAt))
  return bytes
}

/** Bytes the head takes, given its first ones; undefined when this is no sidecar. */
export function sidecarHeadEnd(bytes: Uint8Array): number | undefined {
  if (bytes.length < fixedSize) return undefined
  const view = viewOf(bytes)
  if (view.getUint32(0) !== magic || view.getUint32(4) !== version) return undefined
  return fixedSize + view.getUint32(12) * epochSize
}

/** Undefined when the bytes are not a whole, unharmed head. */
export function decodeSidecarHead(bytes: Uint8Array): SidecarHead | undefined {
  const end = sidecarHeadEnd(bytes)
  if (end === undefined || end > bytes.length) return undefined
  const view = viewOf(bytes)
  if (view.getUint32(8) !== crc32c(bytes, 12, end)) return undefined
  const epochs: EpochStart[] = []
  for (let at = fixedSize; at < end; at += epochSize)
    epochs.push({ epoch: view.getInt32(at), startOffset: getInt64(view, at + 4) })
  return {
    baseOffset: getInt64(view, 24),
    nextOffset: getInt64(view, 32),
    logSize: getInt64(view, 40),
    firstTimestamp: getInt64(view, 48),
    maxTimestamp: getInt64(view, 56),
    sinceEntry: getInt64(view, 64),
    epochs,
    entryCount: view.getUint32(16),
    entriesCrc: view.getUint32(20),
  }
}

/** The index of a whole sidecar file. */
export function decodeSidecarIndex(bytes: Uint8Array, file: string): SparseIndex {
  const head = decodeSidecarHead(bytes)
  const entriesAt = head === undefined ? 0 : fixedSize + head.epochs.length * epochSize
  if (
    head === undefined ||
    bytes.length !== entriesAt + head.entryCount * entrySize ||
    crc32c(bytes, entriesAt) !== head.entriesCrc
  ) {
    throw new CorruptionError(`${file} is damaged; it is made again from its segment`, { file })
  }
  const view = viewOf(bytes)
  const index = new SparseIndex()
  for (let at = entriesAt; at < bytes.length; at += entrySize)
    index.add(view.getUint32(at), view.getUint32(at + 4), getInt64(view, at + 8))
  return index
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
/** In halves: a BigInt for each of a large segment's 260,000 entries would take longer than a client should wait. */
function setInt64(view: DataView, at: number, value: number): void {
  view.setInt32(at, Math.floor(value / 2 ** 32))
  view.setUint32(at + 4, value >>> 0)
}
const getInt64 = (view: DataView, at: number): number => view.getInt32(at) * 2 ** 32 + view.getUint32(at + 4)
