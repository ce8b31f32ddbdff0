import { inTurn } from '../processor.ts'
import type { Done } from '../record.ts'
import type { CacheBudget, CurrentRecord } from './state-store.ts'
import type { EvictedChange, Timestamped } from './stores.ts'

/** The store below, as a cache uses it. */
export interface CachedStore<K, V> {
  /** Equal for keys of equal bytes, and for no others. Made without serialising, where that is possible. */
  identityOf(key: K): unknown
  /** Sorts as the keys' bytes do. */
  orderOf(key: K): string
  get(key: K): Timestamped<V> | undefined
  /** Unless `isLogged`, the changelog hears of it later, by another put. */
  put(key: K, value: V | null, timestamp: number, isLogged: boolean): void
}

interface Cached<K, V> extends CurrentRecord {
  readonly key: K
  value: V | null
  timestamp: number
  headers: CurrentRecord['headers']
  metadata: CurrentRecord['metadata']
  /** Not handed on yet. */
  isDirty: boolean
  /** The store below has it, the changelog does not; `before` is what it had. */
  isSettled: boolean
  before: V | null
  bytes: number
}

type Listener<K, V> = (change: EvictedChange<K, V>) => Done

/** What an entry takes besides its key and value. */
const overhead = 160

/**
 * Holds changes back until a commit, or until the memory for it is used up: of several to a key the last is stored, logged and handed
 * on (KIP-63, streams facts 2.18). Values are held as they are, so that a key that comes often is neither looked up nor serialised. An
 * object belongs to whoever it was handed to: it leaves the cache then, and is read anew. It is not kept when it is only read.
 *
 * What was not used for long goes: entries are young when they are used, and become old together when memory is needed; those that are
 * old by then are dropped. Invariant: what is dropped is not dirty.
 */
export class WriteBack<K, V> {
  readonly #store: CachedStore<K, V>
  readonly #budget: CacheBudget
  readonly #current: () => CurrentRecord
  #young = new Map<unknown, Cached<K, V>>()
  #old = new Map<unknown, Cached<K, V>>()
  #dirty: Cached<K, V>[] = []
  #unsettled: Cached<K, V>[] = []
  #listener: Listener<K, V> | undefined
  #sendsOldValues = false
  #reads = 0
  #hits = 0

  constructor(store: CachedStore<K, V>, budget: CacheBudget, current: () => CurrentRecord) {
    this.#store = store
    this.#budget = budget
    this.#current = current
  }

  onEviction(listener: Listener<K, V>, { sendOldValues }: { sendOldValues: boolean }): boolean {
    this.#listener = listener
    this.#sendsOldValues = sendOldValues
    return true
  }

  get(key: K): Timestamped<V> | undefined {
    const identity = this.#store.identityOf(key)
    const cached = this.#find(identity)
    this.#reads++
    if (cached) this.#hits++
    if (cached) return cached.value === null ? undefined : { value: cached.value, timestamp: cached.timestamp }
    const found = this.#store.get(key)
    if (!found || isMutable(found.value)) return found
    this.#add(identity, key, found.value, found.timestamp)
    if (this.#isFull) this.#drop()
    return found
  }

  put(key: K, value: V | null, timestamp: number): void {
    const identity = this.#store.identityOf(key)
    const cached = this.#find(identity) ?? this.#add(identity, key, value, timestamp)
    const { headers, metadata } = this.#current()
    if (cached.value !== value) this.#weigh(cached, value)
    cached.value = value
    cached.timestamp = timestamp
    cached.headers = headers
    cached.metadata = metadata
    if (!cached.isDirty) {
      cached.isDirty = true
      this.#dirty.push(cached)
      this.#unsettled.push(cached)
    } else if (cached.isSettled) {
      this.#unsettled.push(cached)
    }
    if (!this.#listener && this.#isFull) void this.makeRoom()
  }

  /** Before the store below is looked through: it gets what it lacks. The changelog and those below wait. */
  settle(): void {
    if (this.#unsettled.length === 0) return
    const unsettled = this.#unsettled
    this.#unsettled = []
    for (const cached of unsettled) {
      if (!cached.isDirty) continue
      const { key, value, timestamp } = cached
      if (!cached.isSettled) cached.before = this.#before(cached)
      cached.isSettled = true
      this.#store.put(key, value, timestamp, false)
    }
  }

  /** Hands everything on, in the order of keys. */
  flush(): Done {
    if (this.#dirty.length === 0) return
    const dirty = this.#dirty.map(cached => ({ cached, order: this.#store.orderOf(cached.key) }))
    this.#dirty = []
    dirty.sort((one, other) => (one.order < other.order ? -1 : 1))
    const waiting = inTurn(dirty.values(), ({ cached }) => this.#handOn(cached))
    return waiting ? waiting.then(() => this.#flushed()) : this.#flushed()
  }

  /** What is dirty now became so meanwhile. */
  #flushed(): void {
    this.#unsettled = this.#dirty.slice()
  }

  /** Reads of one key since the last call, and how many of them it could answer. */
  takeReads(): { reads: number; hits: number } {
    const taken = { reads: this.#reads, hits: this.#hits }
    this.#reads = 0
    this.#hits = 0
    return taken
  }

  get holdsBack(): boolean {
    return this.#dirty.length > 0
  }

  /** When more is held than the instance may: hands everything on, and drops what was not used lately. */
  makeRoom(): Done {
    if (!this.#isFull) return
    const waiting = this.flush()
    return waiting ? waiting.then(() => this.#drop()) : this.#drop()
  }

  close(): void {
    for (const entries of [this.#young, this.#old]) {
      for (const { bytes } of entries.values()) this.#budget.used -= bytes
      entries.clear()
    }
    this.#dirty = []
    this.#unsettled = []
  }

  get #isFull(): boolean {
    return this.#budget.used > this.#budget.bytes
  }

  #find(identity: unknown): Cached<K, V> | undefined {
    const young = this.#young.get(identity)
    if (young) return young
    const old = this.#old.get(identity)
    if (!old) return undefined
    this.#old.delete(identity)
    this.#young.set(identity, old)
    return old
  }

  #add(identity: unknown, key: K, value: V | null, timestamp: number): Cached<K, V> {
    const cached: Cached<K, V> = {
      key,
      value,
      timestamp,
      headers: [],
      metadata: undefined,
      isDirty: false,
      isSettled: false,
      before: null,
      bytes: 0,
    }
    this.#weigh(cached, value)
    this.#young.set(identity, cached)
    return cached
  }

  #weigh(cached: Cached<K, V>, value: V | null): void {
    const bytes = overhead + sizeOf(cached.key) + sizeOf(value)
    this.#budget.used += bytes - cached.bytes
    cached.bytes = bytes
  }

  #before(cached: Cached<K, V>): V | null {
    if (cached.value !== null && !this.#sendsOldValues) return null
    return this.#store.get(cached.key)?.value ?? null
  }

  /** A key that came and went between two commits was never there. */
  #handOn(cached: Cached<K, V>): Done {
    const { key, value, timestamp, headers, metadata } = cached
    if (!cached.isDirty) return
    const { isSettled } = cached
    const before = isSettled ? cached.before : this.#before(cached)
    cached.isDirty = false
    cached.isSettled = false
    cached.before = null
    if (value !== null && isMutable(value)) this.#forget(key, cached)
    if (!this.#listener) return this.#store.put(key, value, timestamp, true)
    if (value === null && before === null) {
      if (isSettled) this.#store.put(key, null, timestamp, false) // it has what came and went meanwhile
      return
    }
    this.#store.put(key, value, timestamp, true)
    const oldValue = this.#sendsOldValues ? before : null
    return this.#listener({ key, newValue: value, oldValue, timestamp, headers, metadata })
  }

  #forget(key: K, cached: Cached<K, V>): void {
    const identity = this.#store.identityOf(key)
    this.#young.delete(identity)
    this.#old.delete(identity)
    this.#budget.used -= cached.bytes
  }

  /** What became dirty meanwhile stays. */
  #drop(): void {
    const kept = new Map<unknown, Cached<K, V>>()
    for (const [identity, cached] of this.#old) {
      if (cached.isDirty) kept.set(identity, cached)
      else this.#budget.used -= cached.bytes
    }
    this.#old = this.#young
    this.#young = kept
  }
}

/** Bytes are not changed by those who read them; other objects may be. */
const isMutable = (value: unknown): boolean => typeof value === 'object' && !(value instanceof Uint8Array)

/** Roughly. Of an object nobody knows before it is written. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (value instanceof Uint8Array) return value.length
  return typeof value === 'object' && value !== null ? 256 : 8
}
