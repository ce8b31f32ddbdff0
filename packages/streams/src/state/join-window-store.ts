import { readWindowKey, windowKey } from './changelog-keys.ts'
import { storeKeyOf } from './key-codec.ts'
import type { ChangeLog, StoreSpec } from './state-store.ts'
import { type Codecs, changelogFor, codecsOf, compactedFor, timeTableOf } from './store-spec.ts'
import type { JoinWindowStore } from './stores.ts'
import { type RestoredRecord, segmentLength, type TimeTable } from './tables.ts'
import type { WindowDeclaration } from './window-store.ts'

/** What one side of a stream-stream join has had: every record, also several of one key and time. */
export function joinWindowStore<K, V>(declaration: WindowDeclaration<K, V>): StoreSpec<JoinWindowStore<K, V>> {
  const { name, options } = declaration
  const retentionMs = options?.retentionMs ?? declaration.retentionMs
  return {
    name,
    changelog: changelogFor(compactedFor(retentionMs), options),
    in: options?.in,
    make: place =>
      new DuplicatesStore(
        codecsOf(declaration),
        timeTableOf(place, name, options, segmentLength(retentionMs)),
        place.log,
        retentionMs,
      ),
  }
}

class DuplicatesStore<K, V> implements JoinWindowStore<K, V> {
  readonly name: string
  readonly #codecs: Codecs<K, V>
  readonly #table: TimeTable
  readonly #log: ChangeLog | null
  readonly #retentionMs: number

  constructor(codecs: Codecs<K, V>, table: TimeTable, log: ChangeLog | null, retentionMs: number) {
    this.name = codecs.name
    this.#codecs = codecs
    this.#table = table
    this.#log = log
    this.#retentionMs = retentionMs
  }

  put(key: K, value: V, timestamp: number): void {
    if (!this.#advance(timestamp)) return
    const at = this.#codecs.keys.of(key)
    const bytes = this.#codecs.values.write(value)
    const minor = (this.#table.counter + 1) & 0x7fffffff
    this.#table.counter = minor
    this.#table.set(at, { time: timestamp, minor, value: bytes, timestamp })
    this.#log?.(windowKey(at.bytes, timestamp, minor), bytes, timestamp)
  }

  fetch(key: K, from: number, to: number): Iterable<[number, V]> {
    const found: [number, V][] = []
    for (const row of this.#table.rows(this.#codecs.keys.of(key), Math.max(from, this.#earliest), to))
      found.push([row.time, this.#codecs.values.read(row.value!)])
    return found
  }

  restore(key: Uint8Array, value: Uint8Array | null, timestamp: number): void {
    const { key: inner, start: time, sequence: minor } = readWindowKey(key)
    if (minor > this.#table.counter) this.#table.counter = minor
    if (!this.#advance(time)) return
    if (value === null) this.#table.delete(storeKeyOf(inner), time, minor)
    else this.#table.set(storeKeyOf(inner), { time, minor, value, timestamp })
  }

  restoreBatch(records: readonly RestoredRecord[]): void {
    for (const { key, value, timestamp } of records) if (key !== null) this.restore(key, value, timestamp)
  }

  close(): void {
    this.#table.close()
  }

  get #earliest(): number {
    return Math.max(0, this.#table.latest - this.#retentionMs + 1)
  }

  #advance(time: number): boolean {
    if (time > this.#table.latest) {
      this.#table.latest = time
      this.#table.expire(this.#earliest)
      return true
    }
    return time >= this.#earliest
  }
}
