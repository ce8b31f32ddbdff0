/**
 * The metadata of a data folder, for tools that look at a folder, back it up or restore it: what its checksummed copy says, whether a
 * broker holds it, and what a restored one begins with.
 */
import { ownersIn } from '@odradek/log'
import type { Disk } from '@odradek/world'
import { type FoundDatabase, MetadataDatabase } from './metadata-database.ts'
import { MetadataImage } from './metadata-image.ts'
import { encodeSnapshot, MetadataLog, metadataLines, readMetadataLog } from './metadata-log.ts'
import { pieceTogether, skipGivenNumbers, topicsWithoutSettings } from './metadata-salvage.ts'
import { judge } from './metadata-verdict.ts'
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

export interface DatabaseAtRest {
  /** `unfinished`: the next start takes a change back that was on its way; only then can it be read. */
  readonly state: 'missing' | 'whole' | 'damaged' | 'unfinished'
  /** What a start on the folder would say of both copies. */
  readonly remarks: readonly string[]
  /** What it would know of when no copy is whole. */
  readonly salvage: { readonly topics: readonly string[]; readonly withoutSettings: readonly string[] } | undefined
}

/** Looks at `metadata.db` as a start does, and changes nothing. No broker may hold it. */
export async function examineDatabase(disk: Disk, folder: string): Promise<DatabaseAtRest> {
  const path = `${folder}/${metadataDatabaseName}`
  const isThere = await disk.exists(path)
  if (isThere && (await hasHotJournal(disk, path))) return { state: 'unfinished', remarks: [], salvage: undefined }
  const database = isThere ? readDatabase(path) : { format: 0, image: new MetadataImage(), damage: undefined }
  const log = await new MetadataLog(disk, `${folder}/${metadataLogName}`).read()
  const verdict = judge(database, log)
  const state = !isThere ? 'missing' : database.damage === undefined ? 'whole' : 'damaged'
  if (verdict === 'refused')
    return { state, remarks: ['a newer version wrote it: this one refuses to start'], salvage: undefined }
  if (verdict.source !== 'pieces' && verdict.source !== 'nothing')
    return { state, remarks: verdict.remarks, salvage: undefined }
  const pieces = [database.image, log.image]
  const image = pieceTogether(pieces, await ownersIn(disk, folder))
  const topics = [...image.table('topic').values()].map(({ name }) => name).sort()
  return { state, remarks: verdict.remarks, salvage: { topics, withoutSettings: topicsWithoutSettings(image, pieces) } }
}

function readDatabase(path: string): FoundDatabase {
  let database: MetadataDatabase | undefined
  try {
    database = MetadataDatabase.openToRead(path)
    return database.read()
  } catch (error) {
    return { format: 0, image: new MetadataImage(), damage: (error as Error).message }
  } finally {
    database?.close()
  }
}

/** SQLite's journal of a transaction that was cut short; one that has ended has no head any more. */
async function hasHotJournal(disk: Disk, path: string): Promise<boolean> {
  if (!(await disk.exists(`${path}-journal`))) return false
  return (await disk.readFile(`${path}-journal`))[0] === 0xd9
}

/** Each entry of `metadata.log`, with the line it stands in. */
export function* metadataLogRows(bytes: Uint8Array) {
  let line = 0
  for (const found of metadataLines(bytes)) {
    line++
    if (found === undefined) yield { line, state: 'damaged' }
    else if ('format' in found) yield { line, state: 'valid', ...found }
    else
      for (const [table, key, value] of found.entries) {
        const text = typeof value === 'string' ? value : JSON.stringify(value)
        yield { line, state: 'valid', revision: found.revision, table, key, value: text }
      }
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
