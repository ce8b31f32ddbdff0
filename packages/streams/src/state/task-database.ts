/**
 * A task's folder: LMDB's two files, and `open` while the database is. Nothing is synced until it is closed. So when the machine dies
 * meanwhile, some pages may be new and others old: `open` names the boot of the machine, and a folder of an earlier one is emptied, its
 * stores are restored from their changelogs. A process that dies costs nothing: what it wrote, the machine has.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { type Environment, openEnvironment } from './lmdb.ts'
import { LmdbTaskDisk } from './lmdb-task-disk.ts'
import type { TaskDisk } from './state-store.ts'

/** Why what a task had on disk was given up. */
export type WipeReason = 'machine-died' | 'damaged'

export interface TaskDatabaseOptions {
  folder: string
  taskId: string
  onWiped(reason: WipeReason, cause?: unknown): void
  onClosed?(): void
}

export function openTaskDatabase({ folder, taskId, onWiped, onClosed }: TaskDatabaseOptions): TaskDisk {
  if (existsSync(`${folder}/open`) && readFileSync(`${folder}/open`, 'utf8') !== bootId()) {
    rmSync(folder, { recursive: true, force: true })
    onWiped('machine-died')
  }
  mkdirSync(folder, { recursive: true })
  writeDurably(`${folder}/open`, bootId())
  sync(folder)
  try {
    return diskIn(folder, taskId, onClosed)
  } catch (error) {
    if (!isDamage(error)) throw error
    for (const file of ['data.mdb', 'lock.mdb']) rmSync(`${folder}/${file}`, { force: true })
    onWiped('damaged', error)
    return diskIn(folder, taskId, onClosed)
  }
}

function diskIn(folder: string, taskId: string, onClosed?: () => void): TaskDisk {
  const environment = openEnvironment(folder)
  try {
    return new LmdbTaskDisk(taskId, environment, () => closeDurably(folder, environment, onClosed))
  } catch (error) {
    void environment.close()
    throw error
  }
}

async function closeDurably(folder: string, environment: Environment, onClosed?: () => void): Promise<void> {
  await environment.close()
  sync(`${folder}/data.mdb`)
  rmSync(`${folder}/open`, { force: true })
  onClosed?.()
}

/** LMDB's words for files that are not what they should be. */
const isDamage = (error: unknown): boolean =>
  /MDB_(CORRUPTED|INVALID|PAGE_NOTFOUND|VERSION_MISMATCH|PANIC|BAD_TXN|INCOMPATIBLE)|not an LMDB file|corrupt|version mismatch|Invalid argument/i.test(
    String(error),
  )

function writeDurably(path: string, text: string): void {
  const file = openSync(path, 'w')
  writeSync(file, text)
  fsyncSync(file)
  closeSync(file)
}

function sync(path: string): void {
  const file = openSync(path, 'r')
  fsyncSync(file)
  closeSync(file)
}

/** Where the system does not tell, no two are the same: a database that was not closed is not trusted. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')
  } catch {
    return `process ${process.pid}`
  }
}
