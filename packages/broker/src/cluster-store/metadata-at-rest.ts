/**
 * The metadata of a data folder, for tools that look at a folder, back it up or restore it: what its checksummed copy says, whether a
 * broker holds it, and what a restored one begins with.
 */
import type { Disk } from '@odradek/world'
import { MetadataDatabase } from './metadata-database.ts'
import { encodeSnapshot, readMetadataLog } from './metadata-log.ts'
import { skipGivenNumbers } from './metadata-salvage.ts'
import { DatabaseSync } from './node-sqlite.ts'
import { folderRefusal, isBusy, isDamage } from './storage-errors.ts'

export const metadataLogName = 'metadata.log'
export const metadataDatabaseName = 'metadata.db'

export interface MetadataAtRest {
  /** `torn`: a broker may just have been writing its last line. */
  readonly state: 'missing' | 'whole' | 'torn' | 'damaged' | 'newer'
  readonly badLines: number
  readonly clusterId: string | undefined
  readonly leaderEpoch: number
  readonly topics: ReadonlyMap<string, { readonly name: string; readonly config: Readonly<Record<string, string>> }>
}

/** Reads `metadata.log`, which a running broker appends to; never metadata.db, which SQLite locks. */
export async function readMetadata(disk: Disk, folder: string): Promise<MetadataAtRest> {
  const path = `${folder}/${metadataLogName}`
  const isThere = await disk.exists(path)
  const { image, state, badLines } = readMetadataLog(isThere ? await disk.readFile(path) : new Uint8Array(0))
  return {
    state: isThere ? state : 'missing',
    badLines,
    clusterId: image.table('cluster').get('cluster_id'),
    leaderEpoch: image.number('leader_epoch'),
    topics: image.table('topic'),
  }
}

/**
 * The log that a restored folder begins with. What happened between the backup and the restore is not known: producer ids and leader
 * epochs that may have been given since are passed over, so that no client takes the restored log for the one it knew.
 */
export function metadataForRestore(log: Uint8Array): Uint8Array {
  const { image } = readMetadataLog(log)
  image.apply(skipGivenNumbers(image))
  return encodeSnapshot(image)
}

/** Whether a broker runs on the folder. Changes nothing. */
export function isInUse(folder: string): boolean {
  let database: InstanceType<typeof DatabaseSync> | undefined
  try {
    database = new DatabaseSync(`${folder}/${metadataDatabaseName}`, { readOnly: true, timeout: 0 })
    database.exec('SELECT count(*) FROM sqlite_schema')
    return false
  } catch (error) {
    return isBusy(error)
  } finally {
    database?.close()
  }
}

/**
 * Keeps brokers out of the folder until it is released. Throws a UsageError while one runs. A metadata.db that is missing, or no database,
 * cannot be locked, and no broker holds it.
 */
export async function lockFolder(disk: Disk, folder: string): Promise<() => void> {
  const path = `${folder}/${metadataDatabaseName}`
  if (!(await disk.exists(path))) return () => undefined
  try {
    const database = MetadataDatabase.open(path)
    return () => database.close()
  } catch (error) {
    if (isDamage(error)) return () => undefined
    throw folderRefusal(error, folder)
  }
}
