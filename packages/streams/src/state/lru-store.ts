import { UsageError } from '@odradek/client'
import { storeKeyOf } from './key-codec.ts'
import { plainStoreOn } from './key-value-store.ts'
import { MemoryKeyTable } from './memory-key-table.ts'
import type { StoreSpec } from './state-store.ts'
import { changelogFor, compacted, type StoreDeclaration } from './store-spec.ts'
import type { KeyValueStore } from './stores.ts'
import { bytesOf, type Entry, type KeyTable, type RestoredRecord, type StoreKey, type TextRange } from './tables.ts'

/** At most so many keys, in memory: the one that was not used for longest goes when another comes, from the changelog, too. */
export function lruStore<K, V>(
  declaration: StoreDeclaration<K, V> & { maxEntries: number },
): StoreSpec<KeyValueStore<K, V>> {
  const { name, maxEntries, options } = declaration
  if (!Number.isSafeInteger(maxEntries) || maxEntries < 1)
    throw new UsageError(`\`maxEntries\` of store '${name}' is ${maxEntries}: write a whole number, 1 or more`)
  return {
    name,
    changelog: changelogFor(compacted, options),
    make: place => {
      const evicted = (key: Uint8Array) => place.log?.(key, null, place.current().timestamp ?? 0)
      return plainStoreOn(declaration, new LruTable(maxEntries, evicted), place)
    },
  }
}

/** Keys in the order of their last use. */
class LruTable implements KeyTable {
  readonly #table = new MemoryKeyTable()
  readonly #used = new Set<string>()
  readonly #maxEntries: number
  readonly #evicted: (key: Uint8Array) => void

  constructor(maxEntries: number, evicted: (key: Uint8Array) => void) {
    this.#maxEntries = maxEntries
    this.#evicted = evicted
  }

  get size(): number {
    return this.#table.size
  }

  get(key: StoreKey): Entry | undefined {
    const found = this.#table.get(key)
    if (found) this.#use(key.text)
    return found
  }

  set(key: StoreKey, entry: Entry): void {
    this.#table.set(key, entry)
    this.#use(key.text)
    for (const text of this.#evict()) this.#evicted(bytesOf(text))
  }

  delete(key: StoreKey): void {
    this.#table.delete(key)
    this.#used.delete(key.text)
  }

  range(range: TextRange): Iterable<[string, Entry]> {
    return this.#table.range(range)
  }

  /** What is too much goes silently: the changelog may not know yet which that is, or say so further on. */
  restore(records: readonly RestoredRecord[]): void {
    for (const { key, value, timestamp } of records) {
      if (key === null) continue
      const at = storeKeyOf(key)
      if (value === null) this.delete(at)
      else {
        this.#table.set(at, { value, timestamp })
        this.#use(at.text)
        this.#evict()
      }
    }
  }

  close(): void {
    this.#table.close()
    this.#used.clear()
  }

  #use(text: string): void {
    this.#used.delete(text)
    this.#used.add(text)
  }

  #evict(): string[] {
    const gone: string[] = []
    for (const text of this.#used) {
      if (this.#used.size <= this.#maxEntries) break
      this.delete(storeKeyOf(bytesOf(text)))
      gone.push(text)
    }
    return gone
  }
}
