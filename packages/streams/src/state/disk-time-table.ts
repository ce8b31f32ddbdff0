import { bufferOf, readInt64 } from './changelog-keys.ts'
import { readEntry, writeEntry } from './disk-entry.ts'
import { type Bytes, databaseKey, longestKey, ownDatabaseKey, textOfDatabaseKey } from './lmdb.ts'
import type { DiskTable } from './lmdb-task-disk.ts'
import { MemoryTimeTable } from './memory-time-table.ts'
import {
  bytesOf,
  type FoundRow,
  isWithin,
  type Row,
  type StoreKey,
  segmentOf,
  type TextRange,
  type TimeTable,
  textOfTime,
} from './tables.ts'

const overhead = 250
/** Rows that have expired go at commits, so many at least and twice as many as were written: none takes long, and none falls behind. */
const leastExpired = 10_000
/** Stands over a row on disk that was deleted since the last commit. No row has this timestamp. */
const deleted = -1

/**
 * Rows in a database, and over them, in memory, what was changed since the last commit.
 *
 *     key:   int64 segment ‖ key ‖ int64 time ‖ int64 minor
 *     value: entry (disk-entry.ts)
 *
 * A segment is a span of time: what is old lies together. Keys are of any length, so that a range may hold rows of another key in
 * between; its length tells them apart.
 */
export class DiskTimeTable implements TimeTable, DiskTable {
  readonly #store: string
  readonly #database: Bytes
  readonly #segmentMs: number
  #changed: MemoryTimeTable
  /** On disk. */
  readonly #segments = new Set<number>()
  #expired = 0
  heldBytes = 0
  readonly isRestoring = false
  counter: number
  latest: number

  constructor(store: string, database: Bytes, options: { segmentMs: number; counter: number; latest: number }) {
    this.#store = store
    this.#database = database
    this.#segmentMs = options.segmentMs
    this.counter = options.counter
    this.latest = options.latest
    this.#changed = new MemoryTimeTable(options.segmentMs)
    this.#findSegments()
  }

  get(key: StoreKey, time: number, minor: number): Row | undefined {
    const changed = this.#changed.get(key, time, minor)
    if (changed) return changed.timestamp === deleted ? undefined : changed
    const found = this.#database.getBinary(databaseKey(this.#textOf(key.text, time, minor), this.#store))
    return found && { time, minor, ...readEntry(found) }
  }

  set(key: StoreKey, row: Row): void {
    if (key.text.length > longestKey - 24) databaseKey(this.#textOf(key.text, row.time, row.minor), this.#store) // throws for one that is too long
    this.#change(key, row)
  }

  delete(key: StoreKey, time: number, minor: number): void {
    this.#change(key, { time, minor, value: null, timestamp: deleted })
  }

  rows(key: StoreKey, from: number, to: number): readonly Row[] {
    const stored: Row[] = []
    for (const segment of this.#segmentsWithin(from, to)) {
      const prefix = textOfTime(segment) + key.text
      const range = { from: prefix + textOfTime(from) + zero, to: prefix + textOfTime(to) + largest }
      for (const { text, row } of this.#stored(range))
        if (text.length === key.text.length && text === key.text && row.time >= from && row.time <= to) stored.push(row)
    }
    const changed = this.#changed.rows(key, from, to)
    return changed.length === 0 ? stored : merge(stored, changed)
  }

  between(from: number, to: number, keys: TextRange = {}): FoundRow[] {
    const found: FoundRow[] = []
    for (const segment of this.#segmentsWithin(from, to))
      for (const { text, row } of this.#stored({ from: textOfTime(segment), before: textOfTime(segment + 1) })) {
        if (row.time < from || row.time > to || !isWithin(text, keys)) continue
        const key = { bytes: empty, text }
        if (!this.#changed.get(key, row.time, row.minor)) found.push({ ...row, text })
      }
    for (const row of this.#changed.between(from, to, keys)) if (row.timestamp !== deleted) found.push(row)
    return found
  }

  expire(before: number): void {
    this.#expired = Math.max(this.#expired, segmentOf(before, this.#segmentMs))
    this.#changed.expire(before)
  }

  finishRestoring(): boolean {
    return true
  }

  expect(): void {}

  parts(): (() => void)[] {
    return [() => this.#write()]
  }

  #write(): void {
    const rows = this.#changed.between(0, Number.MAX_SAFE_INTEGER).map(row => ({
      text: this.#textOf(row.text, row.time, row.minor),
      row,
    }))
    rows.sort((one, other) => (one.text < other.text ? -1 : 1))
    for (const { text, row } of rows) {
      const key = databaseKey(text, this.#store)
      if (row.timestamp === deleted) this.#database.removeSync(key)
      else this.#database.putSync(key, writeEntry(row))
      this.#segments.add(segmentOf(row.time, this.#segmentMs))
    }
    this.#removeExpired(Math.max(leastExpired, 2 * rows.length))
  }

  forget(): void {
    this.#changed = new MemoryTimeTable(this.#segmentMs)
    this.heldBytes = 0
    this.#findSegments()
  }

  clear(): void {
    this.#database.clearSync()
    this.counter = 0
    this.latest = -1
    this.forget()
  }

  close(): void {}

  #change(key: StoreKey, row: Row): void {
    if (this.#changed.set(key, row)) this.heldBytes += overhead + key.text.length + (row.value?.length ?? 0)
  }

  #textOf(text: string, time: number, minor: number): string {
    return textOfTime(segmentOf(time, this.#segmentMs)) + text + textOfTime(time) + textOfTime(minor)
  }

  *#segmentsWithin(from: number, to: number): Iterable<number> {
    const first = segmentOf(from, this.#segmentMs)
    const last = segmentOf(to, this.#segmentMs)
    for (const segment of this.#segments) if (segment >= first && segment <= last) yield segment
  }

  *#stored({ from, to, before }: { from: string; to?: string; before?: string }): Iterable<{ text: string; row: Row }> {
    const start = ownDatabaseKey(from, this.#store)
    const end = ownDatabaseKey(to ?? before ?? '', this.#store)
    for (const { key, value } of this.#database.getRange({ start, end, inclusiveEnd: to !== undefined })) {
      const buffer = bufferOf(key)
      const time = readInt64(buffer, buffer.length - 16)
      const minor = readInt64(buffer, buffer.length - 8)
      yield { text: buffer.toString('latin1', 9, buffer.length - 16), row: { time, minor, ...readEntry(value) } }
    }
  }

  #removeExpired(most: number): void {
    let left = most
    for (const segment of this.#segments) {
      if (segment >= this.#expired) continue
      const range = {
        start: ownDatabaseKey(textOfTime(segment), this.#store),
        end: ownDatabaseKey(textOfTime(segment + 1), this.#store),
      }
      const keys = [...this.#database.getKeys({ ...range, limit: left })].map(key => Buffer.from(key))
      for (const key of keys) this.#database.removeSync(key)
      left -= keys.length
      if (left <= 0) return
      this.#segments.delete(segment)
    }
  }

  /** From the first of each to the next. */
  #findSegments(): void {
    this.#segments.clear()
    let from = ''
    for (;;) {
      const [first] = [...this.#database.getKeys({ start: ownDatabaseKey(from, this.#store), limit: 1 })]
      if (!first) return
      const segment = readInt64(bufferOf(bytesOf(textOfDatabaseKey(first))), 0)
      this.#segments.add(segment)
      from = textOfTime(segment + 1)
    }
  }
}

const empty = new Uint8Array()

const zero = textOfTime(0)
const largest = textOfTime(Number.MAX_SAFE_INTEGER)

/** Both in order; where both have a row, the changed one counts. */
function merge(stored: readonly Row[], changed: readonly Row[]): Row[] {
  const merged: Row[] = []
  let i = 0
  for (const row of changed) {
    while (i < stored.length && compare(stored[i]!, row) < 0) merged.push(stored[i++]!)
    if (i < stored.length && compare(stored[i]!, row) === 0) i++
    if (row.timestamp !== deleted) merged.push(row)
  }
  while (i < stored.length) merged.push(stored[i++]!)
  return merged
}

const compare = (one: Row, other: Row): number => one.time - other.time || one.minor - other.minor
