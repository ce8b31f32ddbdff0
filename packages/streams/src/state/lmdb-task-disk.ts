import { DecodeError, KafkaError, UsageError } from '@odradek/protocol'
import { bufferOf, readInt64, writeInt64 } from './changelog-keys.ts'
import { DiskKeyTable } from './disk-key-table.ts'
import { DiskTimeTable } from './disk-time-table.ts'
import type { HeldChanges, Holder } from './held-changes.ts'
import { type Bytes, databaseKey, type Environment, openDatabase, ownDatabaseKey } from './lmdb.ts'
import { PageReads } from './page-reads.ts'
import type { TaskDisk } from './state-store.ts'
import { type KeyTable, type TimeTable, textOf } from './tables.ts'

/** A store's part of the database. */
export interface DiskTable {
  /** What is held back takes about so much memory. */
  readonly heldBytes: number
  /** Some of what was restored is not in the database yet: there can be no position. */
  readonly isRestoring: boolean
  /** Writes about so many bytes of what is restored, or everything, in transactions of its own. True: all is written. */
  finishRestoring(most?: number): boolean
  /** Records with these keys have come: it may read what it will be asked for soon. */
  expect(texts: readonly string[]): void
  /** Together they write what is held back; each inside a transaction. */
  parts(): (() => void)[]
  /** Holds nothing back any more: it is written, or given up. */
  forget(): void
  /** Removes everything. */
  clear(): void
}

export interface TaskEnvironment {
  readonly environment: Environment
  /** For messages. */
  readonly folder: string
  /** Of the instance. */
  readonly heldChanges: HeldChanges
  /** Closes the environment. */
  release(): Promise<void>
}

/** Takes a few tenths of a second. */
const loadedAtOnce = 32 * 2 ** 20

/**
 * A task's database: one for each store, and one for what is known of them.
 *
 *     ' meta':   'position:' store → int64, 'counter:' store → int64, 'latest:' store → int64
 *     store:     entries (disk-key-table.ts) or rows (disk-time-table.ts)
 *
 * A store has a position from its first commit on, 0 when it has no changelog. Invariant: what is on disk is the state of one commit,
 * with the positions of that commit; and where the process died in the middle of the next, some of that one's changes, which restoring
 * from the position repeats. Between commits nothing is written.
 */
export class LmdbTaskDisk implements TaskDisk, Holder {
  readonly taskId: string
  readonly #environment: Environment
  readonly #meta: Bytes
  readonly #tables = new Map<string, DiskTable>()
  readonly #timeTables = new Map<string, TimeTable>()
  readonly #reads = new PageReads()
  readonly #heldChanges: HeldChanges
  readonly #folder: string
  readonly #release: () => Promise<void>

  constructor(taskId: string, { environment, folder, heldChanges, release }: TaskEnvironment) {
    this.taskId = taskId
    this.#environment = environment
    this.#folder = folder
    this.#release = release
    this.#heldChanges = heldChanges
    heldChanges.add(this)
    this.#meta = openDatabase(environment, metaName)
  }

  position(store: string): number | undefined {
    return this.#number(`position:${store}`)
  }

  get wantsCommit(): boolean {
    return this.held > 0 && this.#heldChanges.areTooMany
  }

  belongsTo(store: string, topicId: string): boolean {
    const key = ownDatabaseKey(latin1(`topic:${store}`), metaName)
    const known = this.#meta.getBinary(key)?.toString()
    if (known === topicId) return true
    const isOther = known !== undefined && this.position(store) !== undefined
    if (isOther) this.wipe(store)
    this.#transaction(() => this.#meta.putSync(key, Buffer.from(topicId)))
    return !isOther
  }

  load(): boolean {
    for (const table of this.#tables.values()) if (!table.finishRestoring(loadedAtOnce)) return false
    return true
  }

  expect(records: readonly { key: Uint8Array | null }[]): void {
    if (!this.#reads.areMany(records.length)) return
    const texts = keysOf(records)
    for (const table of this.#tables.values()) table.expect(texts)
  }

  commit(positions: ReadonlyMap<string, number>, { now = true } = {}): void {
    if (!now && !this.#heldChanges.areWorthWriting(this)) return
    if (now) for (const table of this.#tables.values()) table.finishRestoring()
    const written = [...this.#tables].filter(([, table]) => !table.isRestoring)
    const parts = written.flatMap(([store, table]) => this.#writtenAhead(store, table, positions))
    this.#transaction(() => {
      for (const part of parts) part()
      for (const [store] of written) {
        const position = positions.get(store) ?? (this.position(store) === undefined ? 0 : undefined)
        if (position !== undefined) this.#setNumber(`position:${store}`, position)
      }
      for (const [store, { counter, latest }] of this.#timeTables) {
        if (counter > 0) this.#setNumber(`counter:${store}`, counter)
        if (latest >= 0) this.#setNumber(`latest:${store}`, latest)
      }
    })
    for (const [, table] of written) table.forget()
  }

  /**
   * Writes all parts but the last, each in a transaction of its own: LMDB keeps the pages that a transaction changes in memory, a page
   * for each key when keys are scattered, and never gives it back. A crash in between leaves changes that restoring from the position
   * repeats; so this is for stores that can be restored.
   */
  #writtenAhead(store: string, table: DiskTable, positions: ReadonlyMap<string, number>): (() => void)[] {
    const parts = table.parts()
    if (!positions.has(store)) return parts
    this.#environment.resetReadTxn() // so that each finds room in what the one before gave up
    const last = parts.pop()
    for (const part of parts) this.#transaction(part)
    return last ? [last] : []
  }

  /** A new store that was being restored may be left half full: it has no position, and is emptied when it is opened. */
  rollback(): void {
    for (const table of this.#tables.values()) table.forget()
    for (const [store, table] of this.#timeTables) Object.assign(table, this.#marks(store))
  }

  wipe(store?: string): void {
    const stores = store === undefined ? this.#stores() : [store]
    this.#transaction(() => {
      for (const name of stores) {
        for (const what of ['position', 'counter', 'latest'])
          this.#meta.removeSync(databaseKey(latin1(`${what}:${name}`), metaName))
      }
    })
    for (const name of stores) {
      const table = this.#tables.get(name)
      if (table) table.clear()
      else openDatabase(this.#environment, name).clearSync()
    }
  }

  keyTable(store: string): KeyTable {
    const table = new DiskKeyTable(store, this.#open(store), {
      folder: this.#folder,
      reads: this.#reads,
      isNew: () => this.position(store) === undefined,
      attempt: write => this.#attempt(write),
      transaction: write => this.#transaction(write),
    })
    this.#tables.set(store, table)
    return table
  }

  timeTable(store: string, segmentMs = Number.POSITIVE_INFINITY): TimeTable {
    const table = new DiskTimeTable(store, this.#open(store), { segmentMs, ...this.#marks(store) })
    this.#tables.set(store, table)
    this.#timeTables.set(store, table)
    return table
  }

  async close(): Promise<void> {
    this.#heldChanges.remove(this)
    await this.#reads.end()
    await this.#release()
  }

  /** What has no position was about to be wiped. */
  #open(store: string): Bytes {
    const database = openDatabase(this.#environment, store)
    if (this.position(store) === undefined) database.clearSync()
    return database
  }

  /** All of it, or nothing. */
  #transaction(write: () => void): void {
    this.#attempt(() => this.#environment.transactionSync(write))
  }

  #attempt(write: () => void): void {
    try {
      write()
    } catch (cause) {
      if (cause instanceof KafkaError) throw cause
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new UsageError(
        `The state of task ${this.taskId} cannot be written to ${this.#folder}: ${why}. Is the disk full? Whatever could not be written is in the changelogs, and is restored from there.`,
        { code: 'STATE_NOT_WRITTEN', cause },
      )
    }
  }

  get held(): number {
    let held = 0
    for (const table of this.#tables.values()) held += table.heldBytes
    return held
  }

  /** Those that have something on disk, by their positions, and those that are open. */
  #stores(): string[] {
    const names = new Set(this.#tables.keys())
    for (const key of this.#meta.getKeys({})) {
      const text = bufferOf(key).toString('latin1', 1)
      if (text.startsWith('position:')) names.add(Buffer.from(text.slice(9), 'latin1').toString())
    }
    return [...names]
  }

  #marks(store: string): { counter: number; latest: number } {
    return { counter: this.#number(`counter:${store}`) ?? 0, latest: this.#number(`latest:${store}`) ?? -1 }
  }

  #number(name: string): number | undefined {
    const bytes = this.#meta.getBinary(databaseKey(latin1(name), metaName))
    return bytes && readInt64(bufferOf(bytes), 0)
  }

  #setNumber(name: string, value: number): void {
    const bytes = Buffer.alloc(8)
    writeInt64(bytes, 0, value)
    this.#meta.putSync(databaseKey(latin1(name), metaName), bytes)
  }
}

/** Of those that can be read: who processes the others will say so. */
function keysOf(records: readonly { key: Uint8Array | null }[]): string[] {
  const keys: string[] = []
  try {
    for (const { key } of records) if (key !== null) keys.push(textOf(key))
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
  }
  return keys
}

/** Store names hold no spaces: no store is called so. */
const metaName = ' meta'

const latin1 = (name: string): string => Buffer.from(name).toString('latin1')
