/**
 * Before which offset the log of a partition is clean, in a small file of its own folder. FORMAT.md has the bytes.
 *
 * It may be too small: then records are looked at again. It must never be too large, or a tombstone could go before what it deletes; so
 * it is written when all that it speaks of is durable, and names the topic, as a folder may be another's by now. One that is missing,
 * harmed or of another topic says nothing is clean.
 *
 * It is there, with 0, before the first pass changes anything: from then on offsets may be missing between segments, and that is no
 * damage, whatever becomes of the pass and of the topic's settings.
 */
import { crc32c } from '@odradek/protocol'
import type { Disk } from '@odradek/world'
import type { Uuid } from '../engine.ts'
import { readFileIfThere, writeFile } from '../folder/whole-file.ts'
import { cleanedOffsetName } from './compaction-files.ts'

const magic = 0x4f44434f // "ODCO"
const version = 1
const size = 36

export interface CleanedOffset {
  readonly topicId: Uuid
  readonly offset: number
}

export async function writeCleanedOffset(disk: Disk, folder: string, cleaned: CleanedOffset): Promise<void> {
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, magic)
  view.setUint32(4, version)
  view.setBigInt64(12, BigInt(cleaned.offset))
  bytes.set(Buffer.from(cleaned.topicId.replaceAll('-', ''), 'hex'), 20)
  view.setUint32(8, crc32c(bytes, 12))
  await writeFile(disk, `${folder}/${cleanedOffsetName}`, bytes, { sync: true })
  await disk.syncFolder(folder)
}

export async function readCleanedOffset(disk: Disk, folder: string, topicId: Uuid): Promise<number> {
  const bytes = await readFileIfThere(disk, `${folder}/${cleanedOffsetName}`)
  const cleaned = bytes && decodeCleanedOffset(bytes)
  return cleaned?.topicId === topicId ? cleaned.offset : 0
}

/** Undefined when these are not the bytes of a cleaned offset. */
export function decodeCleanedOffset(bytes: Uint8Array): CleanedOffset | undefined {
  if (bytes.length !== size) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, size)
  if (view.getUint32(0) !== magic || view.getUint32(4) !== version) return undefined
  if (view.getUint32(8) !== crc32c(bytes, 12)) return undefined
  const hex = Buffer.from(bytes.subarray(20)).toString('hex')
  const topicId = hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  return { topicId, offset: Number(view.getBigInt64(12)) }
}
