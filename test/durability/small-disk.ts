/** A file system of its own that is soon full: a tmpfs, which only root may mount. */
import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statfsSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export class SmallDisk implements Disposable {
  readonly folder: string
  /** For the broker; not made yet. */
  readonly data: string
  readonly #ballast: string
  #files = 0

  /** Undefined when mounting is not permitted. */
  static mount(options: { bytes?: string; inodes?: number }): SmallDisk | undefined {
    const folder = mkdtempSync(join(tmpdir(), 'odradek-small-disk-'))
    const { bytes = '64m', inodes } = options
    const given = `size=${bytes}${inodes === undefined ? '' : `,nr_inodes=${inodes}`}`
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', given, 'tmpfs', folder])
    if (status === 0) return new SmallDisk(folder)
    rmSync(folder, { recursive: true })
    return undefined
  }

  private constructor(folder: string) {
    this.folder = folder
    this.data = join(folder, 'data')
    this.#ballast = join(folder, 'ballast')
    mkdirSync(this.#ballast)
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.folder)
    return bavail * bsize
  }

  get freeInodes(): number {
    return statfsSync(this.folder).ffree
  }

  /** Leaves that much. */
  fill(leaveBytes = 0): void {
    const file = openSync(join(this.#ballast, `filler-${this.#files++}`), 'a')
    try {
      for (let free = this.freeBytes - leaveBytes; free > 0; free = this.freeBytes - leaveBytes)
        writeSync(file, Buffer.alloc(Math.min(free, 1 << 20)))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    } finally {
      closeSync(file)
    }
  }

  /** Leaves so many files. */
  takeInodes(leave = 0): void {
    while (this.freeInodes > leave) writeFileSync(join(this.#ballast, `inode-${this.#files++}`), '')
  }

  /** Takes back what was filled and taken. */
  free(): void {
    rmSync(this.#ballast, { recursive: true })
    mkdirSync(this.#ballast)
  }

  [Symbol.dispose](): void {
    spawnSync('umount', ['--lazy', this.folder])
    rmSync(this.folder, { recursive: true, force: true })
  }
}
