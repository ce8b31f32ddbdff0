/**
 * The files of all partitions that are open now: at most so many. When another one is needed, the least recently used one that nobody
 * uses is closed; when all are in use, whoever needs another waits its turn.
 *
 * Taking a file that is open costs no wait, so the busy partitions never do. When the system has no descriptor left before the limit
 * is reached (EMFILE), its disk has all that idle closed (thrifty-disk.ts), and the limit is lower for a while: a connection that
 * finds no descriptor is closed by the system before anybody sees it.
 *
 * Whoever holds a file may not wait for a second one, or all could wait for each other.
 */
import type { Disk, DiskFile } from '@odradek/world'

export interface OpenFile {
  readonly path: string
  readonly file: DiskFile
  /** How many took it and have not released it. */
  users: number
  /** What must be asked of this descriptor, and of no later one. A failure is its owner's business. */
  beforeClose?: (() => Promise<void>) | undefined
}

/** Descriptors for connections, and for what is opened in passing. */
const leftToOthers = 8
/** A limit that was lowered rises by one with so many files opened. */
const opensToRise = 64

/** Files that are closed at the same time for those who wait for a place. */
const mostEndingAhead = 2

export class OpenFiles {
  readonly #disk: Disk
  readonly #highestLimit: number
  #limit: number
  readonly #open = new Map<string, OpenFile>()
  readonly #opening = new Map<string, Promise<OpenFile>>()
  /** Insertion order is the order of last use. */
  readonly #idle = new Set<OpenFile>()
  readonly #waiting: (() => void)[] = []
  /** Closed as soon as their last sync has ended. */
  #ending = 0

  constructor(disk: Disk, limit: number) {
    this.#disk = disk
    this.#limit = this.#highestLimit = Math.max(1, limit)
  }

  takeOpen(path: string): OpenFile | undefined {
    const open = this.#open.get(path)
    if (open === undefined) return undefined
    if (open.users++ === 0) this.#idle.delete(open)
    return open
  }

  async take(path: string, mode: 'existing' | 'create' | 'fresh' = 'existing'): Promise<OpenFile> {
    let hasWaited = false
    try {
      for (;;) {
        const open = this.takeOpen(path)
        if (open !== undefined) return open
        const opening = this.#opening.get(path)
        if (opening !== undefined) await opening
        else if (this.#hasPlace()) return await this.#begin(path, mode)
        else {
          // Whoever was woken for nothing stays the first in line.
          await new Promise<void>(resolve => (hasWaited ? this.#waiting.unshift(resolve) : this.#waiting.push(resolve)))
          hasWaited = true
        }
      }
    } finally {
      this.#wakeNext()
    }
  }

  release(open: OpenFile): void {
    if (--open.users > 0) return
    if (this.#open.get(open.path) === open) this.#idle.add(open)
    else void this.#close(open)
    this.#wakeNext()
  }

  #hasPlace(): boolean {
    this.#shrinkTo(this.#limit - this.#opening.size - 1 - Math.min(this.#waiting.length, mostEndingAhead))
    return this.#open.size + this.#opening.size + this.#ending < this.#limit
  }

  /** One that waits, if there may be a place for it now. */
  #wakeNext(): void {
    if (this.#waiting.length > 0 && (this.#idle.size > 0 || this.#hasPlace())) this.#waiting.shift()!()
  }

  /** The file is about to be renamed or removed: whoever uses it may end, nobody gets it again. */
  forget(path: string): void {
    this.#opening.delete(path)
    const open = this.#open.get(path)
    if (open === undefined) return
    this.#open.delete(path)
    if (this.#idle.delete(open)) void this.#close(open)
    this.#wakeNext()
  }

  /** The system has no more descriptors: gives back those of files that nobody uses now, and leaves some for others for a while. */
  async makeRoom(): Promise<void> {
    this.#limit = Math.max(1, Math.min(this.#limit, this.#open.size - leftToOthers))
    const idle = [...this.#idle]
    this.#idle.clear()
    for (const open of idle) this.#open.delete(open.path)
    await Promise.all(idle.map(open => this.#close(open)))
    this.#wakeNext()
  }

  async closeAll(): Promise<void> {
    const all = [...this.#open.values()]
    this.#open.clear()
    this.#idle.clear()
    await Promise.all(all.map(open => this.#close(open)))
  }

  /** Taken by whoever began. */
  #begin(path: string, mode: 'existing' | 'create' | 'fresh'): Promise<OpenFile> {
    const opening: Promise<OpenFile> = this.#disk.open(path, mode).then(file => {
      const open = { path, file, users: 1 }
      this.#limit = Math.min(this.#highestLimit, this.#limit + 1 / opensToRise)
      // Forgotten meanwhile, the name may be another file's by now: nobody else gets this one.
      if (this.#opening.get(path) === opening) this.#open.set(path, open)
      return open
    })
    this.#opening.set(path, opening)
    const ended = () => {
      if (this.#opening.get(path) === opening) this.#opening.delete(path)
    }
    opening.then(ended, ended)
    return opening
  }

  #shrinkTo(limit: number): void {
    for (const open of this.#idle) {
      if (this.#open.size <= limit) return
      this.#idle.delete(open)
      this.#open.delete(open.path)
      void this.#close(open)
    }
  }

  /** What must last was synced before; a failing close has nothing to say. */
  async #close(open: OpenFile): Promise<void> {
    if (open.beforeClose !== undefined) await this.#end(open.beforeClose)
    await open.file.close().catch(() => undefined)
  }

  async #end(beforeClose: () => Promise<void>): Promise<void> {
    this.#ending++
    await beforeClose().catch(() => undefined)
    this.#ending--
    this.#wakeNext()
  }
}
