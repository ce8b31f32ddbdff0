/**
 * A partition whose folder is gone, brought back from a backup: all its files as they were then. What came after the backup is not in it;
 * the next start puts that in quarantine, since the checkpoint knows how far the log once reached.
 */
import { CorruptionError } from '@odradek/protocol'
import type { Disk } from '@odradek/world'
import { type BackupManifest, type BackupPartition, dataName, folderOf } from './backup-manifest.ts'
import { copyFile } from './file-copy.ts'
import type { Finding } from './finding.ts'
import { folderKind } from './partition-names.ts'
import type { Aside } from './repair-aside.ts'
import type { RepairStep } from './repair-steps.ts'

export interface LostPartitionRepair {
  readonly disk: Disk
  readonly root: string
  readonly aside: Aside
  readonly backup: { readonly manifest: BackupManifest; readonly folder: string }
  readonly topicIdOf: ((name: string) => string | undefined) | undefined
}

/** Undefined when the backup has nothing of it, or of another topic of that name. */
export function partitionStep(repair: LostPartitionRepair, finding: Finding): RepairStep | undefined {
  const place = folderKind(finding.file)
  if (place.kind !== 'partition') return undefined
  const known = repair.backup.manifest.partitions.find(
    ({ topic, index }) => topic === place.topic && index === place.index,
  )
  const topicId = repair.topicIdOf?.(place.topic)
  if (known === undefined || (topicId !== undefined && topicId !== known.topicId)) return undefined
  const later = (finding.offsets?.[1] ?? 0) - known.nextOffset
  const rest = later > 0 ? `; the ${later} after them are not in the backup` : ''
  return {
    file: finding.file,
    step: `bring back the folder from the backup, up to offset ${known.nextOffset - 1}${rest}`,
    mends: [finding],
    apply: () => bringBack(repair, known),
  }
}

async function bringBack(
  { disk, root, aside, backup }: LostPartitionRepair,
  partition: BackupPartition,
): Promise<void> {
  const name = folderOf(partition)
  const building = `${root}/${name}.repaired`
  await disk.remove(building)
  await disk.makeFolder(building)
  for (const file of partition.files) {
    const source = `${backup.folder}/${dataName}/${name}/${file.stored}`
    const sum = await copyFile(disk, source, `${building}/${file.name}`, { size: file.size })
    if (sum === file.sha256) continue
    await disk.remove(building)
    throw new CorruptionError(
      `${source} is not what was backed up: it does not match its checksum. Use another backup, or bring this file back from a copy of it.`,
      { file: source },
    )
  }
  await disk.syncFolder(building)
  if (await disk.exists(`${root}/${name}`)) {
    for (const file of await disk.list(`${root}/${name}`).catch(() => [])) await aside.keep(`${name}/${file}`)
    await disk.remove(`${root}/${name}`)
  }
  await disk.rename(building, `${root}/${name}`)
  await disk.syncFolder(root)
}
