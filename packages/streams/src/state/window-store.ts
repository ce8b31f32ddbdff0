import { CachedWindowStore, type Forgetful } from './cached-stores.ts'
import { readWindowKey, windowKey } from './changelog-keys.ts'
import { storeKeyOf } from './key-codec.ts'
import type { ChangeLog, StoreSpec } from './state-store.ts'
import {
  type Codecs,
  cacheOf,
  changelogFor,
  codecsOf,
  compactedFor,
  type StoreDeclaration,
  timeTableOf,
} from './store-spec.ts'
import type { Timestamped, WindowBounds, Windowed, WindowStore } from './stores.ts'
import {
  type FoundRow,
  type RestoredRecord,
  type Row,
  segmentLength,
  type TextRange,
  type TimeTable,
} from './tables.ts'

export interface WindowDeclaration<K, V> extends StoreDeclaration<K, V> {
  windowSizeMs: number
  retentionMs: number
}

/** A value for each key and window. Windows begin to be forgotten, and are hidden, when the retention has passed (streams facts 2.46). */
export function windowStore<K, V>(declaration: WindowDeclaration<K, V>): StoreSpec<WindowStore<K, V>> {
  const { name, windowSizeMs, options } = declaration
  const retentionMs = options?.retentionMs ?? declaration.retentionMs
  return {
    name,
    changelog: changelogFor(compactedFor(retentionMs), options),
    in: options?.in,
    make: place => {
      const codecs = codecsOf(declaration)
      const table = timeTableOf(place, name, options, segmentLength(retentionMs))
      const store = new TimeWindowStore({ codecs, table, log: place.log, windowSizeMs, retentionMs })
      const budget = cacheOf(place, options)
      return budget ? new CachedWindowStore(store, codecs.keys, budget, place) : store
    },
  }
}

interface WindowStoreParts<K, V> {
  codecs: Codecs<K, V>
  table: TimeTable
  log: ChangeLog | null
  windowSizeMs: number
  retentionMs: number
}

class TimeWindowStore<K, V> implements WindowStore<K, V>, Forgetful {
  readonly name: string
  readonly windowSizeMs: number
  readonly retentionMs: number
  readonly #codecs: Codecs<K, V>
  readonly #table: TimeTable
  readonly #log: ChangeLog | null

  constructor({ codecs, table, log, windowSizeMs, retentionMs }: WindowStoreParts<K, V>) {
    this.name = codecs.name
    this.#codecs = codecs
    this.#table = table
    this.#log = log
    this.windowSizeMs = windowSizeMs
    this.retentionMs = retentionMs
  }

  put(key: K, value: V | null, windowStart: number, timestamp: number): void {
    this.#put({ key, value, windowStart, timestamp }, this.#log)
  }

  putQuietly(key: K, value: V | null, windowStart: number, timestamp: number): void {
    this.#put({ key, value, windowStart, timestamp }, null)
  }

  #put(given: { key: K; value: V | null; windowStart: number; timestamp: number }, log: ChangeLog | null): void {
    const { key, value, windowStart, timestamp } = given
    if (!this.advance(windowStart)) return
    const at = this.#codecs.keys.of(key)
    const bytes = value === null ? null : this.#codecs.values.write(value)
    if (bytes === null) this.#table.delete(at, windowStart, 0)
    else this.#table.set(at, { time: windowStart, minor: 0, value: bytes, timestamp })
    log?.(windowKey(at.bytes, windowStart, 0), bytes, timestamp)
  }

  fetch(key: K, windowStart: number): Timestamped<V> | undefined {
    if (!this.isKept(windowStart)) return undefined
    const row = this.#table.get(this.#codecs.keys.of(key), windowStart, 0)
    return row && this.#read(row)
  }

  windows(key: K, { from, to, reverse = false }: WindowBounds): Iterable<[number, Timestamped<V>]> {
    const rows = this.#table.rows(this.#codecs.keys.of(key), Math.max(from, this.#earliest), to)
    const found: [number, Timestamped<V>][] = []
    for (const row of rows) found.push([row.time, this.#read(row)])
    return reverse ? found.reverse() : found
  }

  allWindows(bounds: WindowBounds): Iterable<[Windowed<K>, Timestamped<V>]> {
    return this.#windowed(this.#between(bounds).sort(byTime), bounds.reverse)
  }

  keyRange({ from, to }: { from?: K; to?: K }, bounds: WindowBounds): Iterable<[Windowed<K>, Timestamped<V>]> {
    const { keys } = this.#codecs
    const range = {
      from: from === undefined ? undefined : keys.of(from).text,
      to: to === undefined ? undefined : keys.of(to).text,
    }
    return this.#windowed(this.#between(bounds, range).sort(byKey), bounds.reverse)
  }

  restore(key: Uint8Array, value: Uint8Array | null, timestamp: number): void {
    const { key: inner, start } = readWindowKey(key)
    if (!this.advance(start)) return
    if (value === null) this.#table.delete(storeKeyOf(inner), start, 0)
    else this.#table.set(storeKeyOf(inner), { time: start, minor: 0, value, timestamp })
  }

  restoreBatch(records: readonly RestoredRecord[]): void {
    for (const { key, value, timestamp } of records) if (key !== null) this.restore(key, value, timestamp)
  }

  onEviction(): boolean {
    return false
  }

  close(): void {
    this.#table.close()
  }

  get #earliest(): number {
    return Math.max(0, this.#table.latest - this.retentionMs + 1)
  }

  isKept(windowStart: number): boolean {
    return windowStart >= this.#earliest
  }

  advance(windowStart: number): boolean {
    if (windowStart > this.#table.latest) {
      this.#table.latest = windowStart
      this.#table.expire(this.#earliest)
      return true
    }
    return windowStart >= this.#earliest
  }

  #between({ from, to }: WindowBounds, keys?: TextRange): FoundRow[] {
    return this.#table.between(Math.max(from, this.#earliest), to, keys)
  }

  *#windowed(rows: FoundRow[], reverse = false): Iterable<[Windowed<K>, Timestamped<V>]> {
    for (const row of reverse ? rows.reverse() : rows) {
      const end = row.time + this.windowSizeMs
      yield [{ key: this.#codecs.keys.read(row.text), start: row.time, end }, this.#read(row)]
    }
  }

  #read({ value, timestamp }: Row): Timestamped<V> {
    return { value: this.#codecs.values.read(value!), timestamp }
  }
}

const byText = (one: FoundRow, other: FoundRow): number => (one.text < other.text ? -1 : one.text > other.text ? 1 : 0)
const byTime = (one: FoundRow, other: FoundRow): number => one.time - other.time || byText(one, other)
const byKey = (one: FoundRow, other: FoundRow): number => byText(one, other) || one.time - other.time
