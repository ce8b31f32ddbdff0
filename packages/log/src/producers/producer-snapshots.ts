/** The snapshots in a partition's folder, taken together. */
import type { Disk } from '@odradek/world'
import { offsetInName, snapshotName } from '../folder/file-names.ts'
import { listIfThere, writeFile } from '../folder/whole-file.ts'
import { decodeAborted, decodeSnapshot, encodeSnapshot } from './producer-snapshot.ts'

/** Takes aborted transactions that ended before the offset out of all snapshots, durably. */
export async function forgetAborted(disk: Disk, folder: string, before: number): Promise<void> {
  for (const name of await listIfThere(disk, folder)) {
    const offset = offsetInName(name, 'snapshot')
    if (offset === undefined) continue
    const bytes = await disk.readFile(`${folder}/${name}`)
    const aborted = decodeAborted(bytes)
    const kept = aborted.filter(({ lastOffset }) => lastOffset >= before)
    const producers = decodeSnapshot(bytes, offset)
    if (kept.length === aborted.length || producers === undefined) continue
    await writeFile(disk, `${folder}/${snapshotName(offset)}`, encodeSnapshot(offset, producers, kept), { sync: true })
  }
}
