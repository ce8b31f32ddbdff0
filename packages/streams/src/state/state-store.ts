import type { Done, RecordHeaders, RecordMetadata } from '../record.ts'
import type { KeyTable, RestoredRecord, TimeTable } from './tables.ts'

/** State of a task. Bytes inside: what is stored is what the changelog holds, and iteration is in byte order (streams facts 2.52). */
export interface StateStore {
  readonly name: string
  /** Takes a record of the changelog while the task is restored. Null removes. */
  restore(key: Uint8Array, value: Uint8Array | null, timestamp: number): void
  /** Takes many, in order; those without a key mean nothing. What restores uses it where it is there. */
  restoreBatch?(records: readonly RestoredRecord[]): void
  /** Before a commit: hands on what a cache has held back. It may forward, and so wait. */
  flush?(): Done
  /** Something is held back: after a flush, because another store's flush put it there. */
  readonly holdsBack?: boolean
  /** What it tells of itself, for metrics: since it was last asked. */
  gauges?(): StoreGauges
  close(): void
}

export interface StoreGauges {
  /** Of a cache: how often it was asked, and how often it knew. */
  readonly cache?: { readonly reads: number; readonly hits: number }
  /** Of a buffer: what is in it, and the most there was. */
  readonly buffer?: {
    readonly records: number
    readonly mostRecords: number
    readonly bytes: number
    readonly mostBytes: number
  }
}

/**
 * How a task makes a store, and what its changelog is like: `<application.id>-<name>-changelog`.
 *
 * A store of one's own is such a spec. What it makes takes the changelog back by `restore`, and gives it every change by `place.log`;
 * it may keep itself in memory, or in a table of `place.disk`, which commits it with the others.
 *
 *     const seen: StoreSpec<Seen> = {
 *       name: 'seen',
 *       changelog: { config: { 'cleanup.policy': 'compact' } },
 *       make: ({ log }) => new Seen('seen', log),
 *     }
 *     topology.addStateStore(seen, 'my-processor')
 */
export interface StoreSpec<S extends StateStore = StateStore> {
  readonly name: string
  /** Null: not logged. What is in it is lost with the task, or belongs to a store that is filled otherwise. */
  readonly changelog: ChangelogSpec | null
  /** Where it is to be kept whatever the application says; left out: there. */
  readonly in?: 'memory' | 'disk' | undefined
  make(place: StorePlace): S
}

export interface ChangelogSpec {
  /** Kafka's names; what the user gave overrides what the kind of store wants (streams facts 3.2). */
  readonly config: Readonly<Record<string, string>>
}

/** What a task lends a store. */
export interface StorePlace {
  readonly taskId: string
  /** Where changes go; null for a store without a changelog. */
  readonly log: ChangeLog | null
  /** Where a store on disk lives; null: there is none (the test driver), everything is kept in memory. */
  readonly disk: TaskDisk | null
  /** What stores of the kind 'default' are, and whether records may be held back: bytes, 0 for no caching. */
  readonly defaultKind: 'memory' | 'disk'
  readonly cache: CacheBudget | null
  /** Of the record that is being processed: a cache gives it back when it hands a change on. */
  readonly current: () => CurrentRecord
}

export interface CurrentRecord {
  /** Of the record, or of the punctuation. Stores without timestamps of their own log with it; left out: 0. */
  readonly timestamp?: number
  readonly headers: RecordHeaders
  readonly metadata: RecordMetadata | undefined
}

/** Shared by the stores of an instance. Whoever has used more than its share hands on its eldest entries. */
export interface CacheBudget {
  readonly bytes: number
  /** By all of them. */
  used: number
}

/** `statestore.cache.max.bytes` of an instance. Null: nothing is held back. */
export const cacheBudget = (bytes: number): CacheBudget | null => (bytes > 0 ? { bytes, used: 0 } : null)

/**
 * The database of a task on disk. What stores change is kept in memory until `commit` writes all of it and the positions in one
 * transaction: whatever happens, what is on disk is the state of a commit, and the positions belong to it.
 */
export interface TaskDisk {
  readonly taskId: string
  /** What a changelog is restored from: the offset after the last change that is on disk. Undefined: nothing is, begin at the beginning. */
  position(store: string): number | undefined
  /**
   * To be called when a commit has succeeded, never before: offsets, and with exactly-once the transaction. Positions by store: the
   * offset after the store's last acknowledged change. It may put off writing (`now: false`): then a crash costs restoring a little more.
   */
  commit(positions: ReadonlyMap<string, number>, options?: { now?: boolean }): void
  /**
   * Before the commit after restoring: a new store is written when all of its changelog was read. That may take long; this does a part of
   * it. True: nothing is left.
   */
  load(): boolean
  /**
   * Says which topic, by its id, the store's changelog is now. False: what is on disk came from another one of the same name, and is
   * removed; its offsets mean nothing here.
   */
  belongsTo(store: string, topicId: string): boolean
  /** These have come and will be processed before long: what stores have of their keys may be read from the disk meanwhile. */
  expect(records: readonly { readonly key: Uint8Array | null }[]): void
  /** So much is held back that a commit should come soon. */
  readonly wantsCommit: boolean
  /** Forgets what was changed since the last commit: it was aborted, or the task is lost. */
  rollback(): void
  /** Removes what is stored of a store, or of all of them: its changelog does not go back to the position, or it is damaged. */
  wipe(store?: string): void
  /** Tables of stores, as long as the disk is open. */
  keyTable(store: string): KeyTable
  timeTable(store: string, segmentMs?: number): TimeTable
  close(): Promise<void>
}

/** Where a store's changes go. Null value: removed. */
export type ChangeLog = (key: Uint8Array, value: Uint8Array | null, timestamp: number) => void

export const changelogOf = (store: { name: string }): string => `${store.name}-changelog`
