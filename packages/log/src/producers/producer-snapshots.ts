/** The snapshots in a partition's folder, taken together. */
import type { Disk } from '@odradek/world'
import { offsetInName, snapshotName } from '../folder/file-names.ts'
import { listIfThere, readFileIfThere, writeFile } from '../folder/whole-file.ts'
import { durably } from '../sync/sync-failure.ts'
import { decodeAborted, decodeSnapshot, encodeSnapshot } from './producer-snapshot.ts'

/**
 * Takes aborted transactions that ended before the offset out of all snapshots, durably. Each is written beside the old one and takes its
 * place when it is whole: a full disk leaves what was there.
 */
export async function forgetAborted(disk: Disk, folder: string, before: number): Promise<void> {
  let hasChanged = false
  for (const name of await listIfThere(disk, folder)) {
    // Of a crash meanwhile.
    if (name.endsWith('.snapshot.new')) await disk.remove(`${folder}/${name}`)
    const offset = offsetInName(name, 'snapshot')
    const bytes = offset === undefined ? undefined : await readFileIfThere(disk, `${folder}/${name}`)
    if (offset === undefined || bytes === undefined) continue
    const aborted = decodeAborted(bytes)
    const kept = aborted.filter(({ lastOffset }) => lastOffset >= before)
    const producers = decodeSnapshot(bytes, offset)
    if (kept.length === aborted.length || producers === undefined) continue
    const path = `${folder}/${snapshotName(offset)}`
    try {
      await writeFile(disk, `${path}.new`, encodeSnapshot(offset, producers, kept), { sync: true })
      await disk.rename(`${path}.new`, path)
    } catch (error) {
      await disk.remove(`${path}.new`).catch(() => undefined)
      throw error
    }
    hasChanged = true
  }
  if (hasChanged) await durably(disk.syncFolder(folder))
}
