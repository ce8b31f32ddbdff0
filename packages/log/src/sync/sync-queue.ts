/**
 * Group commit: who has written asks for a sync; everything written to a file while its sync is under way shares the next one.
 *
 *     idle ─request─▶ waiting ─┬─ with much to sync ─ a place is free ─▶ syncing its own file ─┬─▶ idle, or waiting again
 *                              └─ with little ─ the journal is free ─▶ in its next group ──────┘    if it has written meanwhile
 *
 * One sync of the journal makes many files durable that have little each, and is shorter than one of a file that grows, so that one
 * file alone has it, too; files with much, or all while the journal takes nothing, are synced themselves. At most one sync per file is
 * in flight, and a few in all: they occupy threads that reads need too. Waiting files take their turns.
 */
import type { Journal, StagedEntry } from '../journal/journal.ts'
import { type JournalEntry, sizeOfEntry, sizeOfGroup } from '../journal/journal-group.ts'
import type { Journaled } from '../journal/journal-piece.ts'

export interface Syncable {
  /** Has written what no sync, done or under way, covers. */
  readonly needsSync: boolean
  /** Never rejects: a failure is the file's own business. */
  sync(): Promise<void>
}

/** What a journal can make durable, too. */
export interface Committable extends Syncable, Journaled {
  /** How much it has written; infinite when only a sync of the file will do. */
  readonly unsyncedBytes: number
  /** All that is not durable, for the journal. */
  stage(): JournalEntry
  /** The journal has taken the entry, or failed to. */
  journaled(entry: JournalEntry, isDurable: boolean): void
}

export interface JournalUse {
  readonly journal: Journal
  /** Files with more to sync are synced themselves. */
  readonly largestBytes: number
}

type Staged = StagedEntry & { readonly from: Committable }

export class SyncQueue {
  readonly #places: number
  readonly #use: JournalUse | undefined
  /** For a sync of their own. */
  readonly #waiting = new Set<Committable>()
  readonly #waitingForJournal = new Set<Committable>()
  readonly #syncing = new Set<Committable>()
  readonly #journaling = new Set<Committable>()
  #willFill = false

  constructor(places: number, use?: JournalUse) {
    this.#places = places
    this.#use = use
  }

  request(target: Committable): void {
    if (this.#syncing.has(target) || this.#journaling.has(target)) return
    const isForJournal = this.#use !== undefined && target.unsyncedBytes <= this.#use.largestBytes
    this.#waiting.delete(target)
    this.#waitingForJournal.delete(target)
    if (isForJournal) this.#waitingForJournal.add(target)
    else this.#waiting.add(target)
    this.#fillSoon()
  }

  /** When all partitions that have their turn now have written. */
  #fillSoon(): void {
    if (this.#willFill) return
    this.#willFill = true
    queueMicrotask(() => {
      this.#willFill = false
      this.#fill()
    })
  }

  #fill(): void {
    if (this.#use !== undefined && !this.#use.journal.isBusy && this.#waitingForJournal.size > 0)
      this.#fillJournal(this.#use.journal)
    for (const target of this.#waiting) {
      if (this.#syncing.size >= this.#places) return
      this.#waiting.delete(target)
      this.#syncing.add(target)
      void target.sync().then(() => this.#ended(target, this.#syncing))
    }
  }

  #fillJournal(journal: Journal): void {
    const { room } = journal
    const group: Staged[] = []
    let bytes = 0
    for (const target of this.#waitingForJournal) {
      const entry = target.stage()
      bytes += sizeOfEntry(entry)
      if (sizeOfGroup(bytes) > room) {
        target.journaled(entry, false)
        break
      }
      this.#waitingForJournal.delete(target)
      this.#journaling.add(target)
      group.push({ entry, from: target })
    }
    if (group.length === 0) this.#passBy()
    else this.#commit(journal, group)
  }

  #commit(journal: Journal, group: readonly Staged[]): void {
    void journal.commit(group).then(isDurable => {
      for (const { entry, from } of group) {
        from.journaled(entry, isDurable)
        this.#ended(from, this.#journaling)
      }
    })
  }

  /** The journal takes nothing now. */
  #passBy(): void {
    for (const target of this.#waitingForJournal) this.#waiting.add(target)
    this.#waitingForJournal.clear()
  }

  #ended(target: Committable, among: Set<Committable>): void {
    among.delete(target)
    if (target.needsSync) this.request(target)
    else this.#fillSoon()
  }
}
