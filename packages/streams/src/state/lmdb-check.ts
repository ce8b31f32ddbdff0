/**
 * Whether a file can be LMDB's at all. LMDB maps it and believes what it says: a file that was cut off, or is something else, ends the
 * process. Its first two pages say how long it must be:
 *
 *     page header 24 ‖ uint32 magic ‖ uint32 version ‖ … ‖ at 48 uint32 page size ‖ … ‖ at 144 uint64 last page ‖ at 152 uint64 transaction
 *
 * all little-endian. The later transaction counts. Damage within pages is not found: LMDB has no checksums.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

const magic = 0xbeefc0de
const metaLength = 160

/** Undefined: it may be opened; else what is wrong. A file that is not there may be. */
export function damageOf(path: string): string | undefined {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const { size } = fstatSync(file)
    const first = readMeta(file, 0)
    const second = first && readMeta(file, first.pageSize)
    if (!first || !second) return `${path} is no LMDB database`
    const { lastPage, pageSize } = first.transaction > second.transaction ? first : second
    const needed = (lastPage + 1) * pageSize
    return size < needed ? `${path} has ${size} bytes, and ${needed} belong to it` : undefined
  } finally {
    closeSync(file)
  }
}

function readMeta(file: number, at: number): { pageSize: number; lastPage: number; transaction: bigint } | undefined {
  const bytes = Buffer.alloc(metaLength)
  if (readSync(file, bytes, 0, metaLength, at) < metaLength || bytes.readUInt32LE(24) !== magic) return undefined
  return {
    pageSize: bytes.readUInt32LE(48),
    lastPage: Number(bytes.readBigUInt64LE(144)),
    transaction: bytes.readBigUInt64LE(152),
  }
}
