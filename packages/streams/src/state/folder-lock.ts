/**
 * A lock that ends with the process, whatever ended it: SQLite's, on a database with nothing in it. Node has no `flock`, and a file with
 * a process id goes stale.
 */
import { createRequire } from 'node:module'

export interface FolderLock {
  release(): void
}

/** Null: somebody has it, in this process or another. */
export function lockFile(path: string): FolderLock | null {
  const { DatabaseSync } = importSqlite()
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE; COMMIT')
    return { release: () => database.close() }
  } catch (error) {
    database.close()
    if (/locked|busy/i.test(String(error))) return null
    throw error
  }
}

/** node:sqlite announces on import that it is experimental. Nobody who runs an application can act on that: this warning is dropped. */
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
