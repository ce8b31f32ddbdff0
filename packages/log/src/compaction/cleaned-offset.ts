/**
 * Before which offset the log of a partition is clean, in a small file of its own folder. FORMAT.md has the bytes.
 *
 * It may be too small: then records are looked at again. It must never be too large, or a tombstone could go before what it deletes; so
 * it is written when all that it speaks of is durable, and dies with its folder. One that is missing or harmed says nothing is clean.
 *
 * It is there, with 0, before the first pass changes anything: from then on offsets may be missing between segments, and that is no
 * damage, whatever becomes of the pass and of the topic's settings.
 */
import { crc32c } from '@odradek/protocol'
import type { Disk } from '@odradek/world'
import { readFileIfThere, writeFile } from '../folder/whole-file.ts'
import { cleanedOffsetName } from './compaction-files.ts'

const magic = 0x4f44434f // "ODCO"
const version = 1
const size = 20

export async function writeCleanedOffset(disk: Disk, folder: string, offset: number): Promise<void> {
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, magic)
  view.setUint32(4, version)
  view.setBigInt64(12, BigInt(offset))
  view.setUint32(8, crc32c(bytes, 12))
  await writeFile(disk, `${folder}/${cleanedOffsetName}`, bytes, { sync: true })
  await disk.syncFolder(folder)
}

export async function readCleanedOffset(disk: Disk, folder: string): Promise<number> {
  const bytes = await readFileIfThere(disk, `${folder}/${cleanedOffsetName}`)
  return (bytes && decodeCleanedOffset(bytes)) ?? 0
}

/** Undefined when these are not the bytes of a cleaned offset. */
export function decodeCleanedOffset(bytes: Uint8Array): number | undefined {
  if (bytes.length !== size) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, size)
  if (view.getUint32(0) !== magic || view.getUint32(4) !== version) return undefined
  if (view.getUint32(8) !== crc32c(bytes, 12)) return undefined
  return Number(view.getBigInt64(12))
}
