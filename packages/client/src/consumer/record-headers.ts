/** The headers of a record: an ordered multimap, for Kafka allows a name more than once. Decoded when first asked for. */
import type { RecordHeader } from '@odradek/protocol'

const decoder = new TextDecoder()

export class RecordHeaders implements Iterable<RecordHeader> {
  readonly #entries: readonly RecordHeader[]

  constructor(entries: readonly RecordHeader[]) {
    this.#entries = entries
  }

  get size(): number {
    return this.#entries.length
  }

  has(name: string): boolean {
    return this.#entries.some(([other]) => other === name)
  }

  /** The last one of that name, which is the one that counts; undefined when there is none, null when it has no value. */
  get(name: string): Uint8Array | null | undefined {
    return this.#entries.findLast(([other]) => other === name)?.[1]
  }

  getAll(name: string): (Uint8Array | null)[] {
    return this.#entries.filter(([other]) => other === name).map(([, value]) => value)
  }

  /** As UTF-8. */
  text(name: string): string | null | undefined {
    const value = this.get(name)
    return value && decoder.decode(value)
  }

  [Symbol.iterator](): Iterator<RecordHeader> {
    return this.#entries[Symbol.iterator]()
  }
}
