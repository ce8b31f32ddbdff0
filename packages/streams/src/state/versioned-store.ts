import { storeKeyOf } from './key-codec.ts'
import type { ChangeLog, StoreSpec } from './state-store.ts'
import {
  type Codecs,
  changelogFor,
  codecsOf,
  compactedAfter,
  type StoreDeclaration,
  timeTableOf,
} from './store-spec.ts'
import type { VersionedKeyValueStore, VersionedRecord } from './stores.ts'
import type { RestoredRecord, Row, StoreKey, TimeTable } from './tables.ts'

/**
 * Keeps the history of every key for a while (KIP-889). How long versions are kept is how late a record may be, too: what is older is
 * not put (streams facts 2.44). Never cached.
 */
export function versionedStore<K, V>(
  declaration: StoreDeclaration<K, V> & { historyRetentionMs: number },
): StoreSpec<VersionedKeyValueStore<K, V>> {
  const { name, options } = declaration
  const historyMs = options?.historyRetentionMs ?? declaration.historyRetentionMs
  return {
    name,
    changelog: changelogFor(compactedAfter(historyMs), options),
    in: options?.in,
    make: place => new VersionsStore(codecsOf(declaration), timeTableOf(place, name, options), place.log, historyMs),
  }
}

const forever = Number.MAX_SAFE_INTEGER

/** Rows of a key are its versions; one without a value says that there was nothing from then on. */
class VersionsStore<K, V> implements VersionedKeyValueStore<K, V> {
  readonly name: string
  readonly historyRetentionMs: number
  readonly #codecs: Codecs<K, V>
  readonly #table: TimeTable
  readonly #log: ChangeLog | null

  constructor(codecs: Codecs<K, V>, table: TimeTable, log: ChangeLog | null, historyRetentionMs: number) {
    this.name = codecs.name
    this.historyRetentionMs = historyRetentionMs
    this.#codecs = codecs
    this.#table = table
    this.#log = log
  }

  put(key: K, value: V | null, timestamp: number): number | null | 'not-put' {
    if (timestamp < this.#horizon) return 'not-put'
    const at = this.#codecs.keys.of(key)
    const bytes = value === null ? null : this.#codecs.values.write(value)
    const validTo = this.#set(at, bytes, timestamp)
    this.#log?.(at.bytes, bytes, timestamp)
    return validTo
  }

  delete(key: K, timestamp: number): VersionedRecord<V> | undefined {
    if (timestamp < this.#horizon) return undefined
    const before = this.getAsOf(key, timestamp)
    this.put(key, null, timestamp)
    return before
  }

  get(key: K): VersionedRecord<V> | undefined {
    return this.#read(this.#table.rows(this.#codecs.keys.of(key), 0, forever).at(-1), null)
  }

  /** The latest version is there however old it is. */
  getAsOf(key: K, timestamp: number): VersionedRecord<V> | undefined {
    const rows = this.#table.rows(this.#codecs.keys.of(key), 0, forever)
    const i = lastUntil(rows, timestamp)
    if (i < rows.length - 1 && timestamp < this.#horizon) return undefined
    return this.#read(rows[i], rows[i + 1]?.time ?? null)
  }

  versions(key: K, between: { from?: number; to?: number; reverse?: boolean }): Iterable<VersionedRecord<V>> {
    const { from = 0, to = forever, reverse = false } = between
    const rows = this.#table.rows(this.#codecs.keys.of(key), 0, forever)
    const found: VersionedRecord<V>[] = []
    rows.forEach((row, i) => {
      const validTo = rows[i + 1]?.time ?? null
      if (row.time > to || (validTo !== null && validTo <= Math.max(from, this.#horizon))) return
      const version = this.#read(row, validTo)
      if (version) found.push(version)
    })
    return reverse ? found.reverse() : found
  }

  restore(key: Uint8Array, value: Uint8Array | null, timestamp: number): void {
    if (timestamp >= this.#horizon) this.#set(storeKeyOf(key), value, timestamp)
  }

  restoreBatch(records: readonly RestoredRecord[]): void {
    for (const { key, value, timestamp } of records) if (key !== null) this.restore(key, value, timestamp)
  }

  close(): void {
    this.#table.close()
  }

  /** From when on the history is known. */
  get #horizon(): number {
    return this.#table.latest - this.historyRetentionMs
  }

  /** Answers until when the version is valid; null: it is the latest. */
  #set(at: StoreKey, value: Uint8Array | null, timestamp: number): number | null {
    this.#table.latest = Math.max(this.#table.latest, timestamp)
    this.#table.set(at, { time: timestamp, minor: 0, value, timestamp })
    const rows = this.#table.rows(at, 0, forever)
    const validTo = rows[lastUntil(rows, timestamp) + 1]?.time ?? null
    this.#forget(at, rows)
    return validTo
  }

  /** What was followed by something before the horizon is asked for no more; nor is a deletion that is the first of what is left. */
  #forget(at: StoreKey, rows: readonly Row[]): void {
    const first = Math.max(0, lastUntil(rows, this.#horizon))
    for (let i = 0; i < first; i++) this.#table.delete(at, rows[i]!.time, 0)
    const left = rows[first]
    if (left && left.value === null && left.time <= this.#horizon) this.#table.delete(at, left.time, 0)
  }

  #read(row: Row | undefined, validTo: number | null): VersionedRecord<V> | undefined {
    if (!row || row.value === null) return undefined
    return { value: this.#codecs.values.read(row.value), timestamp: row.timestamp, validTo }
  }
}

/** Index of the last row that is not after this time; -1: none. */
function lastUntil(rows: readonly Row[], time: number): number {
  let i = rows.length - 1
  while (i >= 0 && rows[i]!.time > time) i--
  return i
}
