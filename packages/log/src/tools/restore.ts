/**
 * A backup into an empty data folder. Everything is compared with the manifest's sums on the way, and built under another name: the data
 * folder is there when it is complete. The bytes are copies; the backup stays what it is.
 */
import { CorruptionError, UsageError } from '@odradek/protocol'
import type { Clock, Disk } from '@odradek/world'
import { Checkpoint, partitionKey } from '../folder/checkpoint.ts'
import { listIfThere, parentFolder, readFileIfThere, writeFile } from '../folder/whole-file.ts'
import {
  type BackupFile,
  type BackupManifest,
  dataName,
  folderOf,
  readManifest,
  sha256Of,
  unfinishedName,
} from './backup-manifest.ts'
import { copyFile } from './file-copy.ts'

export interface RestoreOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly backup: string
  readonly folder: string
  /** What becomes of a file of the data folder itself, by name. */
  readonly amend?: (name: string, bytes: Uint8Array) => Promise<Uint8Array>
  readonly onBytes?: (bytes: number) => void
  readonly say?: (remark: string) => void
}

export async function restoreFolder(options: RestoreOptions): Promise<BackupManifest> {
  const { disk, backup, folder } = options
  const manifest = await finishedBackup(options)
  if ((await listIfThere(disk, folder)).length > 0)
    throw new UsageError(
      `${folder} is not empty: name a folder that is not there yet, or move what is in it away. Nothing was changed.`,
    )
  const building = `${folder}.restoring`
  await disk.remove(building)
  await disk.makeFolder(building)
  await restorePartitions(options, manifest, building)
  await writeEnds(options, manifest, building)
  for (const file of manifest.files) await restoreRootFile(options, file, `${backup}/${dataName}`, building)
  await disk.syncFolder(building)
  await disk.remove(folder)
  await disk.rename(building, folder)
  await disk.syncFolder(parentFolder(folder))
  return manifest
}

async function finishedBackup({ disk, backup, say }: RestoreOptions): Promise<BackupManifest> {
  const manifest = await readManifest(disk, backup)
  const isUnfinished = await disk.exists(`${backup}/${unfinishedName}`)
  if (manifest === undefined)
    throw new UsageError(
      isUnfinished
        ? `${backup} holds a backup that was not finished: make it again with odradek log backup DATA_DIR ${backup}, which goes on where it stopped.`
        : `${backup} is no backup: there is no manifest.json in it.`,
    )
  if (isUnfinished) say?.(`a later backup into ${backup} was not finished; this is the one of ${manifest.startedAt}`)
  return manifest
}

async function restorePartitions(
  { disk, backup, onBytes }: RestoreOptions,
  manifest: BackupManifest,
  building: string,
): Promise<void> {
  for (const partition of manifest.partitions) {
    const name = folderOf(partition)
    await disk.makeFolder(`${building}/${name}`)
    for (const file of partition.files) {
      const source = `${backup}/${dataName}/${name}/${file.stored}`
      const sum = await copyFile(disk, source, `${building}/${name}/${file.name}`, {
        size: file.size,
        ...(onBytes && { onBytes }),
      }).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') throw notAsStored(source, 'it is not there')
        throw error
      })
      if (sum !== file.sha256) throw notAsStored(source, 'it does not match its checksum')
    }
    await disk.syncFolder(`${building}/${name}`)
  }
}

const notAsStored = (source: string, why: string): CorruptionError =>
  new CorruptionError(
    `${source} is not what was backed up: ${why}. Nothing was restored. Use another backup, or bring this file back from a copy of it.`,
    { file: source },
  )

/** All that is there is durable; the log begins where it did. */
async function writeEnds({ disk, clock }: RestoreOptions, manifest: BackupManifest, building: string): Promise<void> {
  const checkpoint = await Checkpoint.open(clock, disk, building)
  try {
    for (const { topicId, index, nextOffset, logStartOffset } of manifest.partitions)
      checkpoint.write(checkpoint.claim(partitionKey(topicId, index)), { durableOffset: nextOffset, logStartOffset })
    await checkpoint.sync()
  } finally {
    await checkpoint.close()
  }
}

async function restoreRootFile(
  { disk, amend }: RestoreOptions,
  { name, stored, size, sha256 }: BackupFile,
  data: string,
  building: string,
): Promise<void> {
  const bytes = (await readFileIfThere(disk, `${data}/${stored}`))?.subarray(0, size)
  if (bytes === undefined || sha256Of(bytes) !== sha256)
    throw notAsStored(`${data}/${stored}`, bytes === undefined ? 'it is not there' : 'it does not match its checksum')
  await writeFile(disk, `${building}/${name}`, (await amend?.(name, bytes)) ?? bytes, { sync: true })
}
