import { readEntry } from './disk-entry.ts'
import { ExpectedKeys } from './expected-keys.ts'
import { HeldEntries } from './held-entries.ts'
import { type Bytes, databaseKey, entriesIn, longestKey, ownDatabaseKey, textOfDatabaseKey } from './lmdb.ts'
import type { DiskTable } from './lmdb-task-disk.ts'
import type { PageReads } from './page-reads.ts'
import { Restoration, type RestorationPlace } from './restoration.ts'
import { SortedTexts } from './sorted-texts.ts'
import {
  type Entry,
  isWithin,
  type KeyTable,
  type RestoredRecord,
  type StoreKey,
  type TextRange,
  textOf,
} from './tables.ts'

const pageLength = 256
/** Keys in a transaction: a page each, if no two share one. */
const keysOfPart = 1_000
/** Parts. */
const readAhead = 4

export interface KeyTablePlace extends RestorationPlace {
  /** Nothing of the store was ever committed. */
  isNew(): boolean
  readonly reads: PageReads
}

/**
 * Keys and values in a database, and over them, in memory, what was changed since the last commit. Null: removed. A new store that is
 * restored is filled otherwise (restoration.ts), until it is read or committed. Invariant: one of the two is empty.
 */
export class DiskKeyTable implements KeyTable, DiskTable {
  readonly #store: string
  readonly #database: Bytes
  readonly #changed = new HeldEntries()
  readonly #place: KeyTablePlace
  readonly #restoration: Restoration
  readonly #expected = new ExpectedKeys()
  #sorted: SortedTexts | undefined
  #stored: number

  constructor(store: string, database: Bytes, place: KeyTablePlace) {
    this.#store = store
    this.#database = database
    this.#place = place
    this.#restoration = new Restoration(database, place)
    this.#stored = entriesIn(database)
  }

  get heldBytes(): number {
    return this.#changed.bytes
  }

  get isRestoring(): boolean {
    return !this.#restoration.isEmpty
  }

  get size(): number {
    this.finishRestoring()
    return Math.max(this.#stored, this.#changed.size)
  }

  get({ text }: StoreKey): Entry | undefined {
    this.finishRestoring()
    this.#expected.asked(text)
    const changed = this.#changed.get(text)
    if (changed !== undefined) return changed === null ? undefined : entryOf(changed)
    const found = this.#database.getBinary(databaseKey(text, this.#store))
    return found && (readEntry(found) as Entry)
  }

  set({ text }: StoreKey, { value, timestamp }: Entry): void {
    this.finishRestoring()
    this.#change(text, value, timestamp)
  }

  delete({ text }: StoreKey): void {
    this.finishRestoring()
    this.#change(text, null, 0)
  }

  *range(range: TextRange): Iterable<[string, Entry]> {
    this.finishRestoring()
    let rest = range
    for (;;) {
      const page = this.#page(rest)
      const last = page.length < pageLength ? undefined : page[page.length - 1]![0]
      yield* this.#withChanges(page, last === undefined ? rest : until(rest, last))
      if (last === undefined) return
      rest = after(rest, last)
    }
  }

  restore(records: readonly RestoredRecord[]): void {
    if (this.#changed.size === 0 && this.#place.isNew()) {
      for (const record of records) if (record.key !== null) this.#gather(record.key, record)
    } else
      for (const { key, value, timestamp } of records) if (key !== null) this.#change(textOf(key), value, timestamp)
  }

  finishRestoring(most?: number): boolean {
    if (this.#restoration.isEmpty) return true
    const isFinished = this.#restoration.load(most)
    this.#stored = entriesIn(this.#database)
    return isFinished
  }

  expect(texts: readonly string[]): void {
    if (this.#restoration.isEmpty && this.#expected.come(texts))
      this.#readAhead(texts.filter(text => !this.#changed.has(text)))
  }

  parts(): (() => void)[] {
    const texts = [...this.#changed.keys()].sort()
    const parts = Array.from({ length: Math.ceil(texts.length / keysOfPart) }, (_, i) =>
      texts.slice(i * keysOfPart, (i + 1) * keysOfPart),
    )
    let read = 0
    return parts.map((part, i) => () => {
      if (this.#place.reads.areMany(part.length))
        for (read = Math.max(read, i + 1); read <= i + readAhead && read < parts.length; read++)
          this.#readAhead(parts[read]!)
      this.#write(part)
    })
  }

  forget(): void {
    this.#restoration.giveUp()
    this.#changed.clear()
    this.#sorted = undefined
    this.#stored = entriesIn(this.#database)
  }

  clear(): void {
    this.#database.clearSync()
    this.forget()
  }

  close(): void {}

  #gather(key: Uint8Array, record: RestoredRecord): void {
    if (key.length > longestKey) databaseKey(textOf(key), this.#store) // throws
    this.#restoration.add(key, record)
  }

  #change(text: string, value: Uint8Array | null, timestamp: number): void {
    if (text.length > longestKey) databaseKey(text, this.#store) // throws for one that is too long
    if (this.#changed.set(text, value, Math.max(timestamp, 0))) this.#sorted?.add(text)
  }

  #write(texts: readonly string[]): void {
    for (const text of texts) {
      const entry = this.#changed.get(text)!
      const key = databaseKey(text, this.#store)
      if (entry === null) this.#database.removeSync(key)
      else this.#database.putSync(key, entry)
    }
  }

  #readAhead(texts: readonly string[]): void {
    const keys = texts.filter(text => text.length <= longestKey).map(text => ownDatabaseKey(text, this.#store))
    this.#place.reads.ahead(this.#database, keys)
  }

  /** The first entries of a range as they are in the database. */
  #page({ from, to, before, reverse = false }: TextRange): [string, Entry][] {
    const key = (text: string) => ownDatabaseKey(text.slice(0, longestKey), this.#store)
    const page: [string, Entry][] = []
    const upper = before ?? to
    const bounds = reverse
      ? { ...(upper !== undefined && { start: key(upper) }), ...(from !== undefined && { end: key(from) }) }
      : { ...(from !== undefined && { start: key(from) }), ...(upper !== undefined && { end: key(upper) }) }
    for (const found of this.#database.getRange({ ...bounds, inclusiveEnd: true, reverse })) {
      const text = textOfDatabaseKey(found.key)
      if (!isWithin(text, { from, to, before })) continue
      page.push([text, readEntry(found.value) as Entry])
      if (page.length === pageLength) break
    }
    return page
  }

  #withChanges(page: [string, Entry][], range: TextRange): [string, Entry][] {
    if (this.#changed.size === 0) return page
    this.#sorted ??= new SortedTexts(this.#changed.keys())
    const merged: [string, Entry][] = page.filter(([text]) => !this.#changed.has(text))
    const unchanged = merged.length
    for (const text of this.#sorted.range(range)) {
      const entry = this.#changed.get(text)
      if (entry) merged.push([text, entryOf(entry)])
    }
    if (merged.length === unchanged) return merged
    const sign = range.reverse ? -1 : 1
    return merged.sort(([one], [other]) => (one < other ? -sign : sign))
  }
}

/** A copy: what is held back changes in its place. */
const entryOf = (held: Uint8Array): Entry => readEntry(Buffer.from(held)) as Entry

const until = (range: TextRange, last: string): TextRange =>
  range.reverse ? { ...range, from: last } : { ...range, to: last, before: undefined }

const after = (range: TextRange, last: string): TextRange =>
  range.reverse ? { ...range, to: undefined, before: last } : { ...range, from: `${last}\0` }
