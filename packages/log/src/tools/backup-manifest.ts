/**
 * What a backup holds, in `manifest.json` of its folder. It is written last, under another name, and renamed: a folder without it holds
 * no finished backup; a repeated backup that is interrupted leaves the one before it as it was.
 *
 *     BACKUP/manifest.json      this
 *     BACKUP/unfinished         there while a backup runs, or when it was interrupted
 *     BACKUP/data/orders-0/…    files under their own names, or name~2 where two backups need two contents
 */
import { createHash } from 'node:crypto'
import { UsageError } from '@odradek/protocol'
import type { Disk } from '@odradek/world'
import { parentFolder, readFileIfThere, writeFile } from '../folder/whole-file.ts'

export interface BackupFile {
  /** In the data folder's place for it. */
  readonly name: string
  /** In the backup's folder for it: the name, or the name and a number. */
  readonly stored: string
  /** So many of its first bytes count. */
  readonly size: number
  readonly sha256: string
  /** It shares its bytes with the data folder's file. */
  readonly linked: boolean
}

export interface BackupPartition {
  readonly topic: string
  readonly index: number
  readonly topicId: string
  readonly logStartOffset: number
  readonly nextOffset: number
  readonly files: readonly BackupFile[]
}

export interface BackupManifest {
  readonly format: 1
  /** Counts the backups made into the folder. */
  readonly number: number
  readonly startedAt: string
  readonly finishedAt: string
  readonly partitions: readonly BackupPartition[]
  /** Files of the data folder itself. */
  readonly files: readonly BackupFile[]
}

export const manifestName = 'manifest.json'
export const unfinishedName = 'unfinished'
export const dataName = 'data'

/** Undefined when there is none. Throws a UsageError for one that cannot be used. */
export async function readManifest(disk: Disk, backup: string): Promise<BackupManifest | undefined> {
  const path = `${backup}/${manifestName}`
  const bytes = await readFileIfThere(disk, path)
  if (bytes === undefined) return undefined
  const { sha256, ...manifest } = parse(bytes, path)
  if (manifest.format !== 1)
    throw new UsageError(
      `${path} has format ${manifest.format}; this program reads format 1. Use the release that wrote it.`,
    )
  if (sha256 !== sha256Of(Buffer.from(JSON.stringify(manifest))))
    throw new UsageError(
      `${path} is damaged: it does not match its checksum. Use another backup, or make this one again.`,
    )
  return manifest
}

function parse(bytes: Uint8Array, path: string): BackupManifest & { sha256?: string } {
  try {
    return JSON.parse(Buffer.from(bytes).toString())
  } catch {
    throw new UsageError(`${path} is no manifest of a backup. Use another backup, or make this one again.`)
  }
}

/** Durable when it resolves; from then on the backup is this one. */
export async function writeManifest(disk: Disk, backup: string, manifest: BackupManifest): Promise<void> {
  const sealed = { ...manifest, sha256: sha256Of(Buffer.from(JSON.stringify(manifest))) }
  const path = `${backup}/${manifestName}`
  await writeFile(disk, `${path}.fresh`, Buffer.from(`${JSON.stringify(sealed, null, 1)}\n`), { sync: true })
  await disk.rename(`${path}.fresh`, path)
  await disk.syncFolder(parentFolder(path))
}

export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

export const folderOf = ({ topic, index }: { topic: string; index: number }): string => `${topic}-${index}`
