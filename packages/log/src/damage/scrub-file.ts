/** How the last whole pass of the scrub went, in a small file of the data folder. FORMAT.md has the bytes. */
import { crc32c } from '@odradek/protocol'
import type { Disk } from '@odradek/world'
import { scrubName } from '../folder/file-names.ts'
import { ifUnreadable, readFileIfThere, writeFile } from '../folder/whole-file.ts'

export interface ScrubPass {
  /** Wall times. */
  readonly startedAt: number
  readonly endedAt: number
  /** By the monotonic clock. */
  readonly durationMs: number
  readonly bytes: number
  /** Damaged ranges that it was the first to find. */
  readonly damaged: number
  /** Batches whose records are whole and whose leader epoch is not the one that wrote there. */
  readonly doubtful: number
}

const magic = 0x4f445343 // "ODSC"
const version = 1
const size = 60
const fields = ['startedAt', 'endedAt', 'durationMs', 'bytes', 'damaged', 'doubtful'] as const

export function encodeScrubPass(pass: ScrubPass): Uint8Array {
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, magic)
  view.setUint32(4, version)
  for (const [i, field] of fields.entries()) view.setBigInt64(12 + i * 8, BigInt(pass[field]))
  view.setUint32(8, crc32c(bytes, 12))
  return bytes
}

/** Undefined when the bytes are not what was written: then nothing is known, and the next pass will be noted. */
export function decodeScrubPass(bytes: Uint8Array): ScrubPass | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length !== size || view.getUint32(0) !== magic || view.getUint32(4) !== version) return undefined
  if (view.getUint32(8) !== crc32c(bytes, 12)) return undefined
  const values = fields.map((field, i) => [field, Number(view.getBigInt64(12 + i * 8))])
  return Object.fromEntries(values) as ScrubPass
}

/** What cannot be read is removed: the next pass will be noted in its place. */
export async function readScrubPass(disk: Disk, folder: string): Promise<ScrubPass | undefined> {
  const path = `${folder}/${scrubName}`
  const bytes = await readFileIfThere(disk, path).catch(ifUnreadable(null))
  if (bytes === null) await disk.remove(path).catch(() => undefined)
  return bytes ? decodeScrubPass(bytes) : undefined
}

/** Under another name first: a crash leaves the old one or the new one. */
export async function writeScrubPass(disk: Disk, folder: string, pass: ScrubPass): Promise<void> {
  const written = `${folder}/${scrubName}.new`
  await writeFile(disk, written, encodeScrubPass(pass), { sync: true })
  await disk.rename(written, `${folder}/${scrubName}`)
  await disk.syncFolder(folder)
}
