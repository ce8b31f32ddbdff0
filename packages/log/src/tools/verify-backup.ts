/** A backup compared with its manifest, without restoring it. */
import type { Disk } from '@odradek/world'
import { type BackupFile, dataName, folderOf, readManifest, unfinishedName } from './backup-manifest.ts'
import { sumFile } from './file-copy.ts'
import type { Finding } from './finding.ts'
import type { VerifyReport } from './verify.ts'

export interface BackupToVerify {
  readonly disk: Disk
  readonly backup: string
  readonly onBytes?: (bytes: number) => void
}

/** Undefined when there is no finished backup. Throws a UsageError for a manifest that cannot be used. */
export async function verifyBackup(what: BackupToVerify): Promise<Omit<VerifyReport, 'partitions'> | undefined> {
  const { disk, backup } = what
  const manifest = await readManifest(disk, backup)
  if (manifest === undefined) return undefined
  const files = [
    ...manifest.partitions.flatMap(partition =>
      partition.files.map(file => ({ ...file, path: `${dataName}/${folderOf(partition)}/${file.stored}` })),
    ),
    ...manifest.files.map(file => ({ ...file, path: `${dataName}/${file.stored}` })),
  ]
  const findings: Finding[] = []
  let bytes = 0
  for (const file of files) {
    const problem = await problemOf(what, file)
    if (problem !== undefined) findings.push({ file: file.path, code: 'backup-damaged', problem })
    bytes += file.size
  }
  if (await disk.exists(`${backup}/${unfinishedName}`))
    findings.push({
      file: unfinishedName,
      code: 'backup-unfinished',
      problem: `a backup after that of ${manifest.startedAt} was not finished`,
    })
  return { findings, files: files.length, bytes }
}

async function problemOf(
  { disk, backup, onBytes }: BackupToVerify,
  { path, size, sha256 }: BackupFile & { path: string },
): Promise<string | undefined> {
  try {
    const file = await disk.open(`${backup}/${path}`, 'read')
    try {
      const sum = await sumFile(file, { size, ...(onBytes && { onBytes }) })
      return sum === sha256 ? undefined : 'it does not match its checksum'
    } finally {
      await file.close()
    }
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'it is not there' : (error as Error).message
  }
}
