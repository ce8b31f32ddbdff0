import { CachedSessionStore, type Forgetful } from './cached-stores.ts'
import { readSessionKey, sessionKey } from './changelog-keys.ts'
import { storeKeyOf } from './key-codec.ts'
import type { ChangeLog, StorePlace, StoreSpec } from './state-store.ts'
import {
  type Codecs,
  cacheOf,
  changelogFor,
  codecsOf,
  compactedFor,
  type StoreDeclaration,
  timeTableOf,
} from './store-spec.ts'
import type { SessionStore, Windowed } from './stores.ts'
import { type FoundRow, type RestoredRecord, segmentLength, type TimeTable } from './tables.ts'

/** A value for each key and session. Sessions go when the retention has passed since they ended. */
export function sessionStore<K, V>(
  declaration: StoreDeclaration<K, V> & { retentionMs: number },
): StoreSpec<SessionStore<K, V>> {
  const { name, options } = declaration
  const retentionMs = options?.retentionMs ?? declaration.retentionMs
  return {
    name,
    changelog: changelogFor(compactedFor(retentionMs), options),
    in: options?.in,
    make: place => {
      const codecs = codecsOf(declaration)
      const table = timeTableOf(place, name, options, segmentLength(retentionMs))
      const store = new SessionsStore(codecs, table, place, retentionMs)
      const budget = cacheOf(place, options)
      return budget ? new CachedSessionStore(store, codecs.keys, budget, place) : store
    },
  }
}

/** In the table a session's end is the time and its start the minor: found by end, as sessions are looked for. */
class SessionsStore<K, V> implements SessionStore<K, V>, Forgetful {
  readonly name: string
  readonly retentionMs: number
  readonly #codecs: Codecs<K, V>
  readonly #table: TimeTable
  readonly #place: Pick<StorePlace, 'log' | 'current'>

  constructor(codecs: Codecs<K, V>, table: TimeTable, place: Pick<StorePlace, 'log' | 'current'>, retentionMs: number) {
    this.name = codecs.name
    this.retentionMs = retentionMs
    this.#codecs = codecs
    this.#table = table
    this.#place = place
  }

  put(session: Windowed<K>, value: V | null): void {
    this.#put(session, value, this.#place.log)
  }

  putQuietly(session: Windowed<K>, value: V | null): void {
    this.#put(session, value, null)
  }

  #put({ key, start, end }: Windowed<K>, value: V | null, log: ChangeLog | null): void {
    if (!this.advance(end)) return
    const at = this.#codecs.keys.of(key)
    const bytes = value === null ? null : this.#codecs.values.write(value)
    const timestamp = this.#place.current().timestamp ?? end
    if (bytes === null) this.#table.delete(at, end, start)
    else this.#table.set(at, { time: end, minor: start, value: bytes, timestamp })
    log?.(sessionKey(at.bytes, start, end), bytes, timestamp)
  }

  fetch({ key, start, end }: Windowed<K>): V | undefined {
    if (!this.isKept(end)) return undefined
    const row = this.#table.get(this.#codecs.keys.of(key), end, start)
    return row && this.#codecs.values.read(row.value!)
  }

  overlapping(key: K, earliestEnd: number, latestStart: number): Iterable<[Windowed<K>, V]> {
    const from = Math.max(earliestEnd, this.#earliest)
    const found: [Windowed<K>, V][] = []
    for (const { time, minor, value } of this.#table.rows(this.#codecs.keys.of(key), from, Number.MAX_SAFE_INTEGER))
      if (minor <= latestStart) found.push([{ key, start: minor, end: time }, this.#codecs.values.read(value!)])
    return found
  }

  sessions(key: K): Iterable<[Windowed<K>, V]> {
    return this.overlapping(key, 0, Number.MAX_SAFE_INTEGER)
  }

  *endingBetween(from: number, to: number): Iterable<[Windowed<K>, V]> {
    const rows = this.#table.between(Math.max(from, this.#earliest), to).sort(byEnd)
    for (const { text, time, minor, value } of rows)
      yield [{ key: this.#codecs.keys.read(text), start: minor, end: time }, this.#codecs.values.read(value!)]
  }

  restore(key: Uint8Array, value: Uint8Array | null, timestamp: number): void {
    const { key: inner, start, end } = readSessionKey(key)
    if (!this.advance(end)) return
    if (value === null) this.#table.delete(storeKeyOf(inner), end, start)
    else this.#table.set(storeKeyOf(inner), { time: end, minor: start, value, timestamp })
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

  isKept(end: number): boolean {
    return end >= this.#earliest
  }

  advance(end: number): boolean {
    if (end > this.#table.latest) {
      this.#table.latest = end
      this.#table.expire(this.#earliest)
      return true
    }
    return end >= this.#earliest
  }
}

const byEnd = (one: FoundRow, other: FoundRow): number =>
  one.time - other.time || one.minor - other.minor || (one.text < other.text ? -1 : 1)
