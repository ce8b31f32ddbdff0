import { SortedTexts } from './sorted-texts.ts'
import {
  bytesOf,
  type Entry,
  type KeyTable,
  type RestoredRecord,
  type StoreKey,
  type TextRange,
  textOf,
} from './tables.ts'

/** Bytes as text: a value that lives long must not keep alive the pool it was cut from, and a string is the smallest thing there is. */
interface Stored {
  readonly text: string
  readonly timestamp: number
}

/** Keys and values in memory. The order of keys is worked out when somebody first asks for it, and kept from then on. */
export class MemoryKeyTable implements KeyTable {
  readonly #entries = new Map<string, Stored>()
  #sorted: SortedTexts | undefined

  get size(): number {
    return this.#entries.size
  }

  get(key: StoreKey): Entry | undefined {
    const stored = this.#entries.get(key.text)
    return stored && read(stored)
  }

  set({ text }: StoreKey, entry: Entry): void {
    if (this.#sorted && !this.#entries.has(text)) this.#sorted.add(text)
    this.#entries.set(text, { text: textOf(entry.value), timestamp: entry.timestamp })
  }

  delete({ text }: StoreKey): void {
    if (this.#entries.delete(text)) this.#sorted?.delete(text)
  }

  *range(range: TextRange): Iterable<[string, Entry]> {
    this.#sorted ??= new SortedTexts(this.#entries.keys())
    for (const text of this.#sorted.range(range)) {
      const stored = this.#entries.get(text)
      if (stored) yield [text, read(stored)]
    }
  }

  restore(records: readonly RestoredRecord[]): void {
    this.#sorted = undefined
    for (const { key, value, timestamp } of records) {
      if (key === null) continue
      if (value === null) this.#entries.delete(textOf(key))
      else this.#entries.set(textOf(key), { text: textOf(value), timestamp })
    }
  }

  close(): void {
    this.#entries.clear()
    this.#sorted = undefined
  }
}

const read = ({ text, timestamp }: Stored): Entry => ({ value: bytesOf(text), timestamp })
