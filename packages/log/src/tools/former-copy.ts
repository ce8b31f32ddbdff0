/**
 * A segment that has gone bad since an earlier backup copied it: what that has of it, whole, and the rest as it is. So a backup made again
 * never has less than the one before.
 *
 *     earlier backup   [ b1 b2 b3 ]
 *     data folder      [ b1 ✗✗ b3 b4 b5 ]
 *     stored           [ b1 b2 b3 b4 b5 ]
 */
import type { Disk } from '@odradek/world'
import type { BackupFile } from './backup-manifest.ts'
import { sumFile } from './file-copy.ts'
import { type DescribedSegment, describeSegment } from './segment-description.ts'
import { walkSegment } from './segment-walk.ts'
import type { StoredFiles } from './stored-files.ts'

export interface BadSegment {
  readonly name: string
  readonly source: string
  /** How it was looked at. */
  readonly extent: Parameters<typeof describeSegment>[1]
  /** Where what can be read of it ends. */
  readonly end: number
}

/** Undefined: there is nothing better, or what there is is not of the same segment. */
export async function mendedByFormer(
  disk: Disk,
  stored: StoredFiles,
  segment: BadSegment,
): Promise<DescribedSegment | undefined> {
  const known = stored.before(segment.name)
  if (known === undefined || known.linked || !(await isAsStored(disk, stored.pathOf(known), known))) return undefined
  const goodHere = await batchesOf(disk, segment.source, segment, known.size)
  const file = await stored.compose(known, segment.source, segment.end)
  const described = await describe(disk, stored.pathOf(file), segment)
  const isWhole = described.walk.damaged.length === 0 && described.walk.end === file.size
  const there = isWhole ? await batchesOf(disk, stored.pathOf(file), segment, known.size) : new Map()
  if (isWhole && [...goodHere].every(([position, crc]) => there.get(position) === crc)) return described
  stored.forget(segment.name)
  return undefined
}

async function isAsStored(disk: Disk, path: string, { size, sha256 }: BackupFile): Promise<boolean> {
  if (!(await disk.exists(path))) return false
  const file = await disk.open(path, 'read')
  try {
    return file.size >= size && (await sumFile(file, { size })) === sha256
  } finally {
    await file.close()
  }
}

async function describe(disk: Disk, path: string, { extent }: BadSegment): Promise<DescribedSegment> {
  const file = await disk.open(path, 'read')
  try {
    return await describeSegment(file, extent)
  } finally {
    await file.close()
  }
}

/** The checksums of the good batches that begin before `end`, by where they stand: compaction leaves others, elsewhere. */
async function batchesOf(disk: Disk, path: string, { extent }: BadSegment, end: number): Promise<Map<number, number>> {
  const found = new Map<number, number>()
  const file = await disk.open(path, 'read')
  try {
    await walkSegment(file, {
      ...extent,
      visit: (header, _, position) => {
        if (position < end) found.set(position, header.crc)
      },
    })
  } finally {
    await file.close()
  }
  return found
}
