/** Batches of a backup that take the place of damaged ones: the same topic, the same offsets, the right checksum. */
import type { Disk } from '@odradek/world'
import { offsetInName } from '../folder/file-names.ts'
import { type BackupManifest, dataName, folderOf } from './backup-manifest.ts'
import { walkSegment } from './segment-walk.ts'

export interface FoundBatches {
  readonly bytes: readonly Uint8Array[]
  readonly size: number
  readonly fromOffset: number
  readonly toOffset: number
}

export interface LostOffsets {
  readonly topicId: string
  readonly index: number
  readonly from: number
  readonly to: number
}

/** Undefined when the backup has none of them. */
export async function batchesFor(
  disk: Disk,
  backup: string,
  manifest: BackupManifest,
  lost: LostOffsets,
): Promise<FoundBatches | undefined> {
  const partition = manifest.partitions.find(({ topicId, index }) => topicId === lost.topicId && index === lost.index)
  if (partition === undefined) return undefined
  const segments = partition.files
    .map(file => ({ file, base: offsetInName(file.name, 'log') }))
    .filter(({ base }) => base !== undefined)
    .sort((a, b) => a.base! - b.base!)
  const found: { bytes: Uint8Array; from: number; to: number }[] = []
  for (const [i, { file, base }] of segments.entries()) {
    const before = segments[i + 1]?.base ?? partition.nextOffset
    if (base! >= lost.to || before <= lost.from) continue
    const open = await disk.open(`${backup}/${dataName}/${folderOf(partition)}/${file.stored}`, 'read')
    try {
      await walkSegment(open, {
        ...{ baseOffset: base!, before, until: lost.to },
        visit: (header, bytes) => {
          if (header.baseOffset < lost.from || header.lastOffset >= lost.to) return
          found.push({ bytes: bytes.slice(header.at, header.end), from: header.baseOffset, to: header.lastOffset + 1 })
        },
      })
    } finally {
      await open.close()
    }
  }
  const [first, last] = [found[0], found.at(-1)]
  if (first === undefined || last === undefined) return undefined
  const size = found.reduce((sum, { bytes }) => sum + bytes.length, 0)
  return { bytes: found.map(({ bytes }) => bytes), size, fromOffset: first.from, toOffset: last.to }
}
