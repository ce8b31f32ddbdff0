/**
 * Whether pages of state are read from the disk, and reading of those that will be wanted by other threads: this one waits for one page
 * after the other, a disk gives several in the same time.
 *
 * Reading ahead costs some microseconds a key: where everything is in memory nothing is read. What tells is how often the process had to
 * wait for a page of any mapped file, its other threads included; where the system does not count that, nothing is ever read ahead.
 */
import type { Bytes } from './lmdb.ts'

/** Of the keys that are asked for, so many a page had to be read for are worth reading ahead. */
const worthIt = 1 / 32
/** Keys for a thread at a time; libuv has four threads. */
const keysOfJob = 128

export class PageReads {
  readonly #count: () => number
  #before: number
  readonly #underWay = new Set<Promise<void>>()

  /** `count`: how often the process has waited for a page. */
  constructor(count = () => process.resourceUsage().majorPageFault) {
    this.#count = count
    this.#before = count()
  }

  /** `keys` were asked for since the last call, or will be. */
  areMany(keys: number): boolean {
    const before = this.#before
    this.#before = this.#count()
    return this.#before - before > keys * worthIt
  }

  ahead(database: Bytes, keys: readonly Uint8Array[]): void {
    for (let at = 0; at < keys.length; at += keysOfJob) {
      const reading = database
        .prefetch(keys.slice(at, at + keysOfJob))
        .finally(() => void this.#underWay.delete(reading))
      this.#underWay.add(reading)
    }
  }

  /** Before the database is closed. */
  async end(): Promise<void> {
    await Promise.all(this.#underWay)
  }
}
