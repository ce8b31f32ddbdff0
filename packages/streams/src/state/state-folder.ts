import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { UsageError } from '@odradek/client'
import { type FolderLock, lockFile } from './folder-lock.ts'
import { HeldChanges } from './held-changes.ts'
import type { TaskDisk } from './state-store.ts'
import { openTaskDatabase, type WipeReason } from './task-database.ts'

export interface StateFolderOptions {
  /** Of all applications; made when it is missing. */
  folder: string
  applicationId: string
  /** What a task had on disk was given up: its stores are restored from their changelogs. For the log. */
  onWiped?(taskId: string, reason: WipeReason, cause?: unknown): void
}

const format = 'odradek-streams-state 1\n'
const taskFolder = /^\d+_\d+$/

/**
 * What an instance keeps on disk: `<folder>/<application id>/<task id>/`, a database each. One instance has it at a time; whoever else
 * wants it is told. It holds nothing that the changelogs do not: to remove it costs the time to restore.
 */
export class StateFolder {
  readonly path: string
  readonly #lock: FolderLock
  readonly #onWiped: StateFolderOptions['onWiped']
  readonly #open = new Map<string, TaskDisk>()
  readonly #heldChanges = new HeldChanges()

  private constructor(path: string, lock: FolderLock, onWiped: StateFolderOptions['onWiped']) {
    this.path = path
    this.#lock = lock
    this.#onWiped = onWiped
  }

  /** Throws UsageError when another instance has it, or when its format is another release's. */
  static open({ folder, applicationId, onWiped }: StateFolderOptions): StateFolder {
    const path = `${folder}/${applicationId}`
    mkdirSync(path, { recursive: true })
    const lock = lockFile(`${path}/lock`)
    if (!lock)
      throw new UsageError(
        `The state folder ${path} is in use by another instance of '${applicationId}'. Give each instance on a machine a folder of its own: { stateFolder }.`,
      )
    try {
      mustBeOfThisFormat(path)
    } catch (error) {
      lock.release()
      throw error
    }
    return new StateFolder(path, lock, onWiped)
  }

  /** A task's database; it must be closed before it is opened again. */
  openTask(taskId: string): TaskDisk {
    if (this.#open.has(taskId)) throw new UsageError(`The state of task ${taskId} is open already.`)
    const disk = openTaskDatabase({
      folder: `${this.path}/${taskId}`,
      taskId,
      heldChanges: this.#heldChanges,
      onWiped: (reason, cause) => this.#onWiped?.(taskId, reason, cause),
      onClosed: () => void this.#open.delete(taskId),
    })
    this.#open.set(taskId, disk)
    return disk
  }

  /** Tasks that have state here: given back to this instance, they need not be restored from the beginning. */
  tasks(): string[] {
    return readdirSync(this.path).filter(name => taskFolder.test(name))
  }

  /** Removes state of tasks that are elsewhere and have not been here for so long (`state.cleanup.delay`). Answers which. */
  removeStale(now: number, delayMs: number): string[] {
    const stale = this.tasks().filter(taskId => !this.#open.has(taskId) && now - this.#lastUse(taskId) > delayMs)
    for (const taskId of stale) rmSync(`${this.path}/${taskId}`, { recursive: true, force: true })
    return stale
  }

  /** Removes the state of all tasks. None may be open. */
  removeAll(): void {
    if (this.#open.size > 0)
      throw new UsageError(
        `Tasks ${[...this.#open.keys()].join(', ')} are open: close the instance before its state is removed.`,
      )
    for (const taskId of this.tasks()) rmSync(`${this.path}/${taskId}`, { recursive: true, force: true })
  }

  async close(): Promise<void> {
    for (const disk of [...this.#open.values()]) await disk.close()
    this.#lock.release()
  }

  /** When it was given up, which removes a file from its folder; of a process that was killed, when it wrote last. */
  #lastUse(taskId: string): number {
    const folder = `${this.path}/${taskId}`
    const file = `${folder}/data.mdb`
    return Math.max(statSync(folder).mtimeMs, existsSync(file) ? statSync(file).mtimeMs : 0)
  }
}

function mustBeOfThisFormat(path: string): void {
  const file = `${path}/format`
  // A folder that was just begun when the process died has an empty one: it holds no task yet.
  if (!existsSync(file) || (statSync(file).size === 0 && !readdirSync(path).some(name => taskFolder.test(name)))) {
    writeFileSync(`${file}.new`, format)
    renameSync(`${file}.new`, file)
  }
  const found = readFileSync(file, 'utf8')
  if (found === format) return
  throw new UsageError(
    `The state folder ${path} is of format '${found.trim().slice(0, 60)}', and this release reads '${format.trim()}'. Remove it, and the state is restored from the changelogs, or name another folder: { stateFolder }.`,
  )
}
