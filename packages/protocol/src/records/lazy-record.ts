import { DecodeError } from '../errors.ts'
import type { RecordBatchReader } from './record-batch-reader.ts'

/** Duplicates and order count, so this is a list; names need not be unique. */
export type RecordHeader = [name: string, value: Uint8Array | null]

const emptyBytes = new Uint8Array(0)
const text = new TextDecoder()

/**
 * One record of a batch, as a place in the batch's bytes. Nothing is parsed before the first property is read, and key and value are
 * views of the bytes, not copies: keep one and you keep the whole batch in memory.
 *
 *     attributes int8 · timestampDelta varlong · offsetDelta varint · keyLength varint · key · valueLength varint · value ·
 *     headerCount varint · { nameLength varint · name · valueLength varint · value }…            (a length of -1 is null)
 *
 * Any property throws a DecodeError when the record's bytes do not fit.
 */
export class LazyRecord {
  readonly #batch: RecordBatchReader
  readonly #at: number
  readonly #end: number
  #timestampDelta = 0
  #offsetDelta = 0
  /** 0 until the record is parsed: no record's key begins there. */
  #keyAt = 0
  #keyLength = 0
  #valueAt = 0
  #valueLength = 0
  #key: Uint8Array | null | undefined = undefined
  #value: Uint8Array | null | undefined = undefined

  /** The record that fills the bytes from `at`, after its length, to `end`. */
  constructor(batch: RecordBatchReader, at: number, end: number) {
    this.#batch = batch
    this.#at = at
    this.#end = end
  }

  get offset(): number {
    if (this.#keyAt === 0) this.#parse()
    return this.#batch.baseOffset + this.#offsetDelta
  }

  /** Milliseconds since 1970; -1 when the record has none. */
  get timestamp(): number {
    if (this.#keyAt === 0) this.#parse()
    return this.#batch.appendTime ?? this.#batch.baseTimestamp + this.#timestampDelta
  }

  get key(): Uint8Array | null {
    if (this.#keyAt === 0) this.#parse()
    return (this.#key ??= this.#view(this.#keyAt, this.#keyLength))
  }

  get value(): Uint8Array | null {
    if (this.#keyAt === 0) this.#parse()
    return (this.#value ??= this.#view(this.#valueAt, this.#valueLength))
  }

  /** Parsed at each call. */
  get headers(): RecordHeader[] {
    if (this.#keyAt === 0) this.#parse()
    const cursor = this.#batch.cursor
    cursor.at = this.#valueAt + Math.max(this.#valueLength, 0)
    cursor.limit = this.#end
    const count = cursor.varint()
    // A header takes two bytes at least, so a false count cannot make us reserve more than the record holds.
    if (count < 0 || count * 2 > this.#end - cursor.at)
      throw new DecodeError(`record at byte ${this.#at} says it has ${count} headers in ${this.#end - cursor.at} bytes`)
    const headers: RecordHeader[] = []
    for (let i = 0; i < count; i++) {
      const nameLength = this.#length()
      if (nameLength < 0) throw new DecodeError(`record at byte ${this.#at} has a header without a name`)
      const nameAt = cursor.at
      cursor.at += nameLength
      const valueLength = this.#length()
      headers.push([text.decode(this.#view(nameAt, nameLength)!), this.#view(cursor.at, valueLength)])
      if (valueLength > 0) cursor.at += valueLength
    }
    if (cursor.at !== this.#end)
      throw new DecodeError(`record at byte ${this.#at} has ${this.#end - cursor.at} bytes after its headers`)
    return headers
  }

  /** Bytes of the record in its batch, without the length in front. */
  get sizeInBytes(): number {
    return this.#end - this.#at
  }

  #parse(): void {
    const cursor = this.#batch.cursor
    cursor.at = this.#at + 1
    cursor.limit = this.#end
    this.#timestampDelta = cursor.varlong()
    this.#offsetDelta = cursor.varint()
    if (this.#offsetDelta < 0 || this.#offsetDelta > this.#batch.lastOffsetDelta) {
      throw new DecodeError(
        `record at byte ${this.#at} has offset delta ${this.#offsetDelta}; the batch's last is ${this.#batch.lastOffsetDelta}`,
      )
    }
    this.#keyLength = this.#length()
    const keyAt = cursor.at
    if (this.#keyLength > 0) cursor.at += this.#keyLength
    this.#valueLength = this.#length()
    this.#valueAt = cursor.at
    this.#keyAt = keyAt
  }

  /** A length that the rest of the record can hold; -1 is null. */
  #length(): number {
    const cursor = this.#batch.cursor
    const length = cursor.varint()
    if (length < -1 || length > cursor.limit - cursor.at)
      throw new DecodeError(
        `record at byte ${this.#at} has a part of ${length} bytes where ${cursor.limit - cursor.at} are left`,
      )
    return length
  }

  #view(at: number, length: number): Uint8Array | null {
    if (length <= 0) return length === 0 ? emptyBytes : null
    const { buffer, byteOffset } = this.#batch.cursor.bytes
    return new Uint8Array(buffer, byteOffset + at, length)
  }
}
