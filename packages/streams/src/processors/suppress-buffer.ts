import type { Change } from '../change.ts'
import { isNothing, type RecordHeaders, type StreamRecord } from '../record.ts'
import type { ChangeLog, StateStore, StoreGauges, StoreSpec } from '../state/state-store.ts'
import { type Codecs, changelogFor, codecsOf, compacted, type StoreDeclaration } from '../state/store-spec.ts'
import { type StoreKey, textOf } from '../state/tables.ts'
import { type HeldChange, readHeldChange, writeHeldChange } from './buffered-change.ts'

/** A change as it leaves the buffer. */
export interface BufferedChange<K, V> {
  readonly key: K
  readonly newValue: V | null
  /** What those below have seen last. */
  readonly shownValue: V | null
  readonly timestamp: number
  readonly headers: RecordHeaders
}

interface Held extends HeldChange {
  readonly at: StoreKey
  readonly bytes: number
}

/** What an entry takes besides its key, values and headers. */
const overhead = 32

/** Changes that a suppress holds back, in memory and in a changelog. */
export function suppressBuffer<K, V>(declaration: StoreDeclaration<K, V>): StoreSpec<SuppressBuffer<K, V>> {
  const { name, options } = declaration
  return {
    name,
    changelog: changelogFor(compacted, options),
    make: place => new SuppressBuffer(codecsOf(declaration), place.log),
  }
}

/** One change a key, in order of the time at which the key began to wait, then of its bytes. Invariant: the heap's first is the eldest. */
export class SuppressBuffer<K, V> implements StateStore {
  readonly name: string
  readonly #codecs: Codecs<K, V>
  readonly #log: ChangeLog | null
  readonly #held = new Map<string, Held>()
  /** A binary heap of keys and times; a key's time does not change while it is here. Undefined while the buffer is restored. */
  #heap: Held[] | undefined
  readonly #unlogged = new Map<string, { bytes: Uint8Array; timestamp: number }>()
  #bytes = 0
  #mostRecords = 0
  #mostBytes = 0

  constructor(codecs: Codecs<K, V>, log: ChangeLog | null) {
    this.name = codecs.name
    this.#codecs = codecs
    this.#log = log
  }

  get size(): number {
    return this.#held.size
  }

  /** Keys, values and headers, and something for what goes with them. */
  get bytes(): number {
    return this.#bytes
  }

  gauges(): StoreGauges {
    const [records, bytes] = [this.#held.size, this.#bytes]
    const buffer = { records, bytes, mostRecords: this.#mostRecords, mostBytes: this.#mostBytes }
    this.#mostRecords = records
    this.#mostBytes = bytes
    return { buffer }
  }

  /** When the key that waits longest began to; infinite when none does. */
  get earliest(): number {
    return this.#ordered[0]?.since ?? Number.POSITIVE_INFINITY
  }

  put({ key, value, timestamp, headers }: StreamRecord<K, Change<V>>, since: number): void {
    const at = this.#codecs.keys.of(key)
    const before = this.#held.get(at.text)
    this.#set({
      at,
      since: before?.since ?? since,
      timestamp,
      headers,
      shown: before ? before.shown : this.#write(value.oldValue),
      latest: this.#write(value.newValue),
    })
    this.#unlogged.set(at.text, { bytes: at.bytes, timestamp })
  }

  /** Undefined: it is not held back. Null: it is, and nobody has seen it. */
  shown(key: K): V | null | undefined {
    const held = this.#held.get(this.#codecs.keys.of(key).text)
    return held && this.#read(held.shown)
  }

  /** Takes out the eldest as long as that is wanted. */
  *takeWhile(isWanted: () => boolean): Iterator<BufferedChange<K, V>> {
    while (this.#held.size > 0 && isWanted()) {
      const { at } = this.#takeFirst()
      const { latest, shown, timestamp, headers, bytes } = this.#held.get(at.text)!
      this.#held.delete(at.text)
      this.#bytes -= bytes
      this.#unlogged.set(at.text, { bytes: at.bytes, timestamp })
      const key = this.#codecs.keys.read(at.text)
      yield { key, newValue: this.#read(latest), shownValue: this.#read(shown), timestamp, headers }
    }
  }

  /** The changelog hears of a key once a commit, however often it has changed. */
  flush(): void {
    for (const [text, { bytes, timestamp }] of this.#unlogged) {
      const held = this.#held.get(text)
      this.#log?.(bytes, held ? writeHeldChange(held) : null, timestamp)
    }
    this.#unlogged.clear()
  }

  restore(key: Uint8Array, value: Uint8Array | null): void {
    const at = { bytes: new Uint8Array(key), text: textOf(key) }
    this.#heap = undefined
    this.#bytes -= this.#held.get(at.text)?.bytes ?? 0
    this.#held.delete(at.text)
    if (value !== null) this.#set({ at, ...readHeldChange(new Uint8Array(value)) })
  }

  close(): void {
    this.#held.clear()
  }

  #set(change: HeldChange & { at: StoreKey }): void {
    const before = this.#held.get(change.at.text)
    const bytes = sizeOf(change)
    const held = { ...change, bytes }
    this.#bytes += bytes - (before?.bytes ?? 0)
    this.#held.set(change.at.text, held)
    if (!before && this.#heap) push(this.#heap, held)
    if (this.#bytes > this.#mostBytes) this.#mostBytes = this.#bytes
    if (this.#held.size > this.#mostRecords) this.#mostRecords = this.#held.size
  }

  get #ordered(): Held[] {
    this.#heap ??= [...this.#held.values()].sort((one, other) => (isBefore(one, other) ? -1 : 1))
    return this.#heap
  }

  #takeFirst(): Held {
    return pop(this.#ordered)
  }

  #write(value: V | null): Uint8Array | null {
    return isNothing(value) ? null : this.#codecs.values.write(value)
  }

  #read(bytes: Uint8Array | null): V | null {
    return bytes && this.#codecs.values.read(bytes)
  }
}

function sizeOf({ at, shown, latest, headers }: HeldChange & { at: StoreKey }): number {
  let bytes = overhead + at.bytes.length + (shown?.length ?? 0) + (latest?.length ?? 0)
  for (const [name, value] of headers) bytes += name.length + (value?.length ?? 0)
  return bytes
}

const isBefore = (one: Held, other: Held): boolean =>
  one.since < other.since || (one.since === other.since && one.at.text < other.at.text)

function push(heap: Held[], held: Held): void {
  let at = heap.length
  for (let above = (at - 1) >> 1; at > 0 && isBefore(held, heap[above]!); above = (at - 1) >> 1) {
    heap[at] = heap[above]!
    at = above
  }
  heap[at] = held
}

function pop(heap: Held[]): Held {
  const first = heap[0]!
  const last = heap.pop()!
  if (heap.length === 0) return first
  let at = 0
  for (let below = 1; below < heap.length; below = 2 * at + 1) {
    if (below + 1 < heap.length && isBefore(heap[below + 1]!, heap[below]!)) below++
    if (!isBefore(heap[below]!, last)) break
    heap[at] = heap[below]!
    at = below
  }
  heap[at] = last
  return first
}
