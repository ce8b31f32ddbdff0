/**
 * LMDB as far as stores use it: keys and values are bytes, everything is synchronous.
 *
 * A key begins with one byte 1, since LMDB knows no empty key. Nothing is synced while the database is open: a process that dies loses
 * nothing by that; after a machine that died, the database is not trusted (`task-database.ts`). Pages are read one by one: keys are
 * asked for in no order, and read-ahead of a state larger than memory throws out what is needed next.
 */
import { UsageError } from '@odradek/client'
import { type Database, open, type RootDatabase } from 'lmdb'

export type Bytes = Database<Uint8Array, Uint8Array>
export type Environment = RootDatabase<Uint8Array, Uint8Array>

/** Address space, not disk or memory; LMDB takes more when this is used up. */
const mapSize = 64 * 2 ** 30
const mostStores = 250
/** LMDB's own limit, less the first byte. */
export const longestKey = 1977

/** An option that its types do not know. */
const oneByOne = { noReadAhead: true }
const binary = { encoding: 'binary', keyEncoding: 'binary' } as const

export const openEnvironment = (folder: string): Environment =>
  open({
    path: folder,
    ...binary,
    maxDbs: mostStores,
    mapSize,
    noSync: true,
    ...oneByOne,
    overlappingSync: false,
    noSubdir: false,
  })

export const openDatabase = (environment: Environment, name: string): Bytes =>
  environment.openDB<Uint8Array, Uint8Array>({ name, ...binary })

/** Where keys are put together: LMDB copies them before a call returns. */
const scratch = Buffer.alloc(longestKey + 1, 1)

/** Valid until the next call. */
export function databaseKey(text: string, store: string): Uint8Array {
  if (text.length > longestKey)
    throw new UsageError(
      `A key of store '${store}' has ${text.length} bytes; on disk it may have ${longestKey}. Make the key shorter, or keep the store in memory: { in: 'memory' }.`,
    )
  scratch.write(text, 1, 'latin1')
  return scratch.subarray(0, text.length + 1)
}

export const ownDatabaseKey = (text: string, store: string): Uint8Array => Buffer.from(databaseKey(text, store))

export const textOfDatabaseKey = (key: Uint8Array): string =>
  Buffer.from(key.buffer, key.byteOffset + 1, key.byteLength - 1).toString('latin1')

export const entriesIn = (database: Bytes): number => (database.getStats() as { entryCount: number }).entryCount
