/**
 * A task's folder: LMDB's two files, and `open` while the database is. Nothing is synced until it is closed. So when the machine dies
 * meanwhile, some pages may be new and others old: `open` names the boot of the machine, and a folder of an earlier one is emptied, its
 * stores are restored from their changelogs. A process that dies costs nothing: what it wrote, the machine has.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import type { HeldChanges } from './held-changes.ts'
import { type Environment, openEnvironment } from './lmdb.ts'
import { damageOf } from './lmdb-check.ts'
import { LmdbTaskDisk } from './lmdb-task-disk.ts'
import type { TaskDisk } from './state-store.ts'

/** Why what a task had on disk was given up. */
export type WipeReason = 'machine-died' | 'damaged'

export interface TaskDatabaseOptions {
  folder: string
  taskId: string
  heldChanges: HeldChanges
  onWiped(reason: WipeReason, cause?: unknown): void
  onClosed?(): void
}

export function openTaskDatabase({ folder, taskId, heldChanges, onWiped, onClosed }: TaskDatabaseOptions): TaskDisk {
  const marker = `${folder}/open`
  const found = existsSync(marker) ? readFileSync(marker, 'utf8') : undefined
  const damage = found === undefined || found === bootId() ? damageOf(`${folder}/data.mdb`) : undefined
  if (damage !== undefined || (found !== undefined && found !== bootId())) {
    rmSync(folder, { recursive: true, force: true })
    onWiped(damage === undefined && !found?.startsWith(opening) ? 'machine-died' : 'damaged', damage)
  }
  mkdirSync(folder, { recursive: true })
  writeDurably(marker, opening + bootId())
  sync(folder)
  const environment = openEnvironment(folder)
  const disk = new LmdbTaskDisk(taskId, {
    environment,
    folder,
    heldChanges,
    release: () => closeDurably(folder, environment, onClosed),
  })
  writeDurably(marker, bootId())
  return disk
}

/** Stands before the boot while LMDB reads its first pages: a process that was ended by them does not try again. */
const opening = 'opening '

async function closeDurably(folder: string, environment: Environment, onClosed?: () => void): Promise<void> {
  await environment.close()
  sync(`${folder}/data.mdb`)
  rmSync(`${folder}/open`, { force: true })
  onClosed?.()
}

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
