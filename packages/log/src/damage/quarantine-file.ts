/** The damaged ranges of a segment, in a file beside it. FORMAT.md has the bytes. */
import { crc32c } from '@odradek/protocol'
import type { Disk } from '@odradek/world'
import { quarantineName } from '../folder/file-names.ts'
import { readFileIfReadable, writeFile } from '../folder/whole-file.ts'
import type { DamagedRange } from './damage.ts'

const magic = 0x4f445152 // "ODQR"
const version = 1
const headSize = 24
const rangeSize = 42
const longestReason = 1000

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export function encodeQuarantine(segment: number, ranges: readonly DamagedRange[]): Uint8Array {
  const reasons = ranges.map(({ reason }) => encoder.encode(reason.slice(0, longestReason)))
  const bytes = new Uint8Array(reasons.reduce((size, reason) => size + rangeSize + reason.length, headSize))
  const view = new DataView(bytes.buffer)
  view.setUint32(0, magic)
  view.setUint32(4, version)
  setInt64(view, 12, segment)
  view.setUint32(20, ranges.length)
  let at = headSize
  for (const [i, range] of ranges.entries()) {
    const reason = reasons[i]!
    const { fromPosition, toPosition, fromOffset, toOffset, foundAt } = range
    for (const [field, value] of [fromPosition, toPosition, fromOffset, toOffset, foundAt].entries())
      setInt64(view, at + field * 8, value)
    view.setUint16(at + 40, reason.length)
    bytes.set(reason, at + rangeSize)
    at += rangeSize + reason.length
  }
  view.setUint32(8, crc32c(bytes, 12))
  return bytes
}

/** Undefined when the bytes are not what was written for this segment: its damage is found again. */
export function decodeQuarantine(bytes: Uint8Array, segment: number): DamagedRange[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < headSize || view.getUint32(0) !== magic || view.getUint32(4) !== version) return undefined
  if (view.getUint32(8) !== crc32c(bytes, 12) || getInt64(view, 12) !== segment) return undefined
  const ranges: DamagedRange[] = []
  let at = headSize
  for (let left = view.getUint32(20); left > 0; left--) {
    const end = at + rangeSize + view.getUint16(at + 40)
    ranges.push({
      segment,
      fromPosition: getInt64(view, at),
      toPosition: getInt64(view, at + 8),
      fromOffset: getInt64(view, at + 16),
      toOffset: getInt64(view, at + 24),
      foundAt: getInt64(view, at + 32),
      reason: decoder.decode(bytes.subarray(at + rangeSize, end)),
    })
    at = end
  }
  return ranges
}

export async function readQuarantine(disk: Disk, folder: string, segment: number): Promise<DamagedRange[]> {
  const bytes = await readFileIfReadable(disk, `${folder}/${quarantineName(segment)}`)
  return (bytes && decodeQuarantine(bytes, segment)) ?? []
}

/** Durable when it resolves. */
export async function writeQuarantine(
  disk: Disk,
  folder: string,
  segment: number,
  ranges: readonly DamagedRange[],
): Promise<void> {
  await writeFile(disk, `${folder}/${quarantineName(segment)}`, encodeQuarantine(segment, ranges), { sync: true })
  await disk.syncFolder(folder)
}

const setInt64 = (view: DataView, at: number, value: number): void => view.setBigInt64(at, BigInt(value))
const getInt64 = (view: DataView, at: number): number => Number(view.getBigInt64(at))
