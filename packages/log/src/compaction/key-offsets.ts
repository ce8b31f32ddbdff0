/**
 * For every key of the dirty part of a log, the offset of its last record: a table of open addressing in one flat buffer.
 *
 *     entry = four words of the key's digest │ offset − first offset + 1, 0: the entry is free          20 bytes
 *
 * At most four entries in five are taken, and the table grows by a fifth when they are: 25 to 30 bytes a key. An entry's place is its
 * digest as a fraction of the table, so growing goes through old and new table in the same order. At its limit the table is full, and a
 * log with more keys is compacted in several passes, each up to where the table reached.
 *
 * When all are in it, `seal` notes which offsets are the last of their keys, a bit each: records of the dirty part are not looked up.
 */
import { KeyDigest } from './key-digest.ts'

const entryWords = 5
const entryBytes = entryWords * 4
const load = 4 / 5
const growth = 6 / 5
const smallest = 256
/** Table and bits; while the table grows, the old one and the new one are there together. */
const mostBytesPerKey = 32
/** Offsets are relative and fit 32 bits. */
const farthest = 2 ** 32 - 2

export interface KeyOffsetsOptions {
  /** Memory the table may take. */
  bytes: number
  /** No more keys than this can come: a table for them is enough. */
  mostKeys: number
  firstOffset: number
  /** 16 random bytes. */
  secret: Uint8Array
}

export class KeyOffsets {
  readonly firstOffset: number
  readonly #digest: KeyDigest
  readonly #mostEntries: number
  #words: Int32Array
  #entries: number
  #size = 0
  /** A bit for each offset from the first on. */
  #isLast: Uint8Array | undefined

  constructor({ bytes, mostKeys, firstOffset, secret }: KeyOffsetsOptions) {
    this.firstOffset = firstOffset
    this.#digest = new KeyDigest(secret)
    this.#mostEntries = Math.max(2, Math.min(Math.floor(bytes / entryBytes), Math.ceil(mostKeys / load) + 1))
    this.#entries = Math.min(smallest, this.#mostEntries)
    this.#words = new Int32Array(this.#entries * entryWords)
  }

  /** Keys in it. */
  get size(): number {
    return this.#size
  }

  /** Memory it takes. */
  get bytes(): number {
    return this.#words.byteLength + (this.#isLast?.length ?? 0)
  }

  /** False when there is no room for a key that is not in it yet; then nothing has changed. Offsets come in ascending order. */
  put(bytes: Uint8Array, at: number, length: number, offset: number): boolean {
    const relative = offset - this.firstOffset + 1
    if (relative > farthest) return false
    this.#digest.digest(bytes, at, length)
    let word = this.#find()
    if (this.#words[word + 4] === 0) {
      if (this.#size + 1 > this.#entries * load) {
        if (!this.#grow()) return false
        word = this.#find()
      }
      this.#words.set(this.#digest.words, word)
      this.#size++
    }
    this.#words[word + 4] = relative
    return true
  }

  /** Offset of the key's last record; -1 when it has none here. */
  get(bytes: Uint8Array, at: number, length: number): number {
    this.#digest.digest(bytes, at, length)
    const relative = this.#words[this.#find() + 4]! >>> 0
    return relative === 0 ? -1 : this.firstOffset + relative - 1
  }

  /** All records before `end`, and maybe some after it, are in. Nothing is put any more. */
  seal(end: number): void {
    const words = this.#words
    const size = Math.ceil((end - this.firstOffset) / 8)
    // With very many records to a key the bits would take more than they are worth.
    if (words.byteLength + size > mostBytesPerKey * this.#size) return
    const isLast = new Uint8Array(size)
    for (let word = 4; word < words.length; word += entryWords) {
      const at = (words[word]! >>> 0) - 1
      if (at >= 0 && at >>> 3 < size) isLast[at >>> 3]! |= 1 << (at & 7)
    }
    this.#isLast = isLast
  }

  /** Whether a later record of the same key is in, given a record before the end. */
  supersedes(bytes: Uint8Array, at: number, length: number, offset: number): boolean {
    const i = offset - this.firstOffset
    if (this.#isLast === undefined || i < 0) return this.get(bytes, at, length) > offset
    return (this.#isLast[Math.floor(i / 8)]! & (1 << (i % 8))) === 0
  }

  /** Where the entry of the digest is, or would be. */
  #find(): number {
    const words = this.#words
    const digest = this.#digest.words
    const a = digest[0]!
    const b = digest[1]!
    const c = digest[2]!
    const d = digest[3]!
    let word = slot(a, this.#entries) * entryWords
    while (words[word + 4] !== 0) {
      if (words[word] === a && words[word + 1] === b && words[word + 2] === c && words[word + 3] === d) return word
      word += entryWords
      if (word === words.length) word = 0
    }
    return word
  }

  #grow(): boolean {
    if (this.#entries === this.#mostEntries) return false
    const old = this.#words
    this.#entries = Math.min(Math.ceil(this.#entries * growth), this.#mostEntries)
    const words = new Int32Array(this.#entries * entryWords)
    for (let from = 0; from < old.length; from += entryWords) {
      if (old[from + 4] === 0) continue
      let to = slot(old[from]!, this.#entries) * entryWords
      while (words[to + 4] !== 0) to = to + entryWords === words.length ? 0 : to + entryWords
      for (let i = 0; i < entryWords; i++) words[to + i] = old[from + i]!
    }
    this.#words = words
    return true
  }
}

/** By the high bits, which any number of entries divides evenly. */
const slot = (word: number, entries: number): number => Math.floor(((word >>> 0) / 2 ** 32) * entries)
