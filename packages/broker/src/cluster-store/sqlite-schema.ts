import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { DatabaseSync as Database, SQLInputValue, StatementSync } from 'node:sqlite'
import { ErrorCodes, UsageError } from '@odradek/protocol'
import { Refusal } from '../refusal.ts'

type Row = Record<string, string | number | null>

/** The file's format, kept as SQLite's user_version. A broker reads its own and older ones. */
const format = 1

const schema = `
  CREATE TABLE cluster (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
  CREATE TABLE topic (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE) WITHOUT ROWID;
  CREATE TABLE partition (id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, "index" INTEGER NOT NULL, UNIQUE (topic, "index"));
  CREATE TABLE topic_config (topic TEXT, name TEXT, value TEXT NOT NULL, PRIMARY KEY (topic, name)) WITHOUT ROWID;
  CREATE TABLE broker_config (node TEXT, name TEXT, value TEXT NOT NULL, PRIMARY KEY (node, name)) WITHOUT ROWID;
  CREATE TABLE dropped_topic (id TEXT PRIMARY KEY) WITHOUT ROWID;
`

/** An open metadata.db: its few statements, prepared once. */
export interface Metadata {
  /** One transaction, durable when this returns. */
  write(changes: () => void): void
  run(sql: string, ...values: SQLInputValue[]): void
  all(sql: string, ...values: SQLInputValue[]): Row[]
  /** A row of the table `cluster`. */
  value(name: string): string | number | null
  close(): void
}

/** Opens or creates the file in `folder` (undefined: in memory), alone. What keeps it from that becomes a UsageError of one sentence. */
export function openMetadata(folder: string | undefined, freshClusterId: () => string): Metadata {
  const path = folder === undefined ? ':memory:' : join(folder, 'metadata.db')
  const metadata = explained(folder, () => prepared(new DatabaseSync(path, { timeout: 0 })))
  try {
    explained(folder, () => initialize(metadata, folder, freshClusterId))
  } catch (error) {
    metadata.close()
    throw error
  }
  return metadata
}

function initialize(metadata: Metadata, folder: string | undefined, freshClusterId: () => string): void {
  metadata.run('PRAGMA locking_mode = EXCLUSIVE')
  metadata.run('PRAGMA journal_mode = DELETE')
  metadata.run('PRAGMA synchronous = FULL')
  metadata.write(() => {
    upgrade(metadata, folder, freshClusterId)
    metadata.run(`UPDATE cluster SET value = CAST(value AS INTEGER) + 1 WHERE name = 'leader_epoch'`)
  })
}

function upgrade(metadata: Metadata, folder: string | undefined, freshClusterId: () => string): void {
  const found = Number(metadata.all('PRAGMA user_version')[0]!.user_version)
  if (found > format) {
    throw new UsageError(
      `The data folder ${folder} has format ${found}, and this version knows up to ${format}: use the version of Odradek that wrote it, or a newer one.`,
    )
  }
  if (found === format) return
  for (const statement of schema.split(';')) if (statement.trim() !== '') metadata.run(statement)
  const rows = { cluster_id: freshClusterId(), leader_epoch: 0, next_producer_id: '0' }
  for (const [name, value] of Object.entries(rows)) metadata.run('INSERT INTO cluster VALUES (?, ?)', name, value)
  metadata.run(`PRAGMA user_version = ${format}`)
}

function prepared(db: Database): Metadata {
  const statements = new Map<string, StatementSync>()
  const statement = (sql: string): StatementSync => {
    let found = statements.get(sql)
    if (!found) statements.set(sql, (found = db.prepare(sql)))
    return found
  }
  const metadata: Metadata = {
    write(changes) {
      db.exec('BEGIN IMMEDIATE')
      try {
        changes()
        db.exec('COMMIT')
      } catch (error) {
        if (db.isTransaction) db.exec('ROLLBACK')
        throw error
      }
    },
    run: (sql, ...values) => void (sql.startsWith('PRAGMA') ? db.exec(sql) : statement(sql).run(...values)),
    all: (sql, ...values) => statement(sql).all(...values) as Row[],
    value: name => metadata.all('SELECT value FROM cluster WHERE name = ?', name)[0]?.value ?? null,
    close: () => db.close(),
  }
  return metadata
}

/** What a failed write of a running broker becomes: a full or failing disk is told to clients as such, and they may try again. */
export function storageRefusal(error: unknown): unknown {
  const code = (error as { errcode?: number }).errcode
  if (code === undefined || !unwritable.has(code & 0xff)) return error
  const { message } = error as Error
  return new Refusal(ErrorCodes.KAFKA_STORAGE_ERROR, `metadata.db in the data folder cannot be written: ${message}.`)
}

/** PERM, READONLY, IOERR, FULL, CANTOPEN. */
const unwritable: ReadonlySet<number> = new Set([3, 8, 10, 13, 14])

/** SQLite's result codes that speak of the folder rather than of a bug. */
function explained<T>(folder: string | undefined, open: () => T): T {
  try {
    return open()
  } catch (error) {
    const code = (error as { errcode?: number }).errcode
    const primary = code === undefined ? undefined : code & 0xff
    if (primary === 5 || primary === 6) {
      throw new UsageError(
        `The data folder ${folder} is in use by another broker: stop that one, or choose another folder.`,
      )
    }
    if (primary === 13) {
      throw new UsageError(`The disk of the data folder ${folder} is full: make some space, or choose another folder.`)
    }
    if (primary === 8 || primary === 14 || primary === 3 || primary === 10) {
      throw new UsageError(
        `The data folder ${folder} is not writable (${(error as Error).message}): choose another folder, or give access to it.`,
      )
    }
    if (primary === 26 || primary === 11) {
      throw new UsageError(
        `The file metadata.db in ${folder} is not a readable database: restore it, or choose another folder.`,
      )
    }
    throw error
  }
}

/** node:sqlite announces on import that it is experimental. Nobody who runs a broker can act on that, so this one warning is dropped. */
function importSqlite(): typeof import('node:sqlite') {
  const emitWarning = process.emitWarning
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (!String(warning).startsWith('SQLite is an experimental feature'))
      Reflect.apply(emitWarning, process, [warning, ...rest])
  }
  try {
    return createRequire(import.meta.url)('node:sqlite')
  } finally {
    process.emitWarning = emitWarning
  }
}

const { DatabaseSync } = importSqlite()
