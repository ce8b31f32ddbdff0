/**
 * For every key of the dirty part of a log, the offset of its last record: tables of open addressing in flat buffers.
 *
 *     entry = four words of the key's digest │ offset − first offset + 1, 0: the entry is free          20 bytes
 *
 * At most four entries in five are taken, and a table grows by a fifth when they are: 25 to 30 bytes a key. An entry's place is its
 * digest as a fraction of the table, so growing goes through old and new table in the same order. With many keys there are 64 tables, by
 * the first bits of the digest, which grow one at a time: only one of them is there twice meanwhile. At the limit they are full, and a log
 * with more keys is compacted in several passes, each up to where they reached.
 *
 * When all are in it, `seal` notes which offsets are the last of their keys, a bit each: records of the dirty part are not looked up.
 */
import { KeyDigest } from './key-digest.ts'

const entryWords = 5
const entryBytes = entryWords * 4
const load = 4 / 5
const growth = 6 / 5
const smallest = 256
/** From so many entries on, and of so many at first, each of the many. */
const manyFrom = 16_384
const manyBits = 6
const smallestOfMany = 16
/** Tables and bits. */
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
  /** Of a digest's first word, which say what table it belongs to. */
  readonly #bits: number
  readonly #tables: Int32Array[]
  /** Entries taken, by table. */
  readonly #taken: Int32Array
  /** In all tables. */
  #entries: number
  #size = 0
  /** A bit for each offset from the first on. */
  #isLast: Uint8Array | undefined

  constructor({ bytes, mostKeys, firstOffset, secret }: KeyOffsetsOptions) {
    this.firstOffset = firstOffset
    this.#digest = new KeyDigest(secret)
    const room = Math.max(2, Math.floor(bytes / entryBytes))
    const enough = Math.ceil(mostKeys / load) + 1
    const isMany = Math.min(room, enough) >= manyFrom
    this.#bits = isMany ? manyBits : 0
    // Keys do not divide evenly among many tables: one may need more than its share.
    this.#mostEntries = isMany ? room : Math.min(room, enough)
    const count = 2 ** this.#bits
    const each = isMany ? smallestOfMany : Math.min(smallest, this.#mostEntries)
    this.#entries = each * count
    this.#tables = Array.from({ length: count }, () => new Int32Array(each * entryWords))
    this.#taken = new Int32Array(count)
  }

  /** Keys in it. */
  get size(): number {
    return this.#size
  }

  /** Memory it takes. */
  get bytes(): number {
    return this.#entries * entryBytes + (this.#isLast?.length ?? 0)
  }

  /** False when there is no room for a key that is not in it yet; then nothing has changed. Offsets come in ascending order. */
  put(bytes: Uint8Array, at: number, length: number, offset: number): boolean {
    const relative = offset - this.firstOffset + 1
    if (relative > farthest) return false
    this.#digest.digest(bytes, at, length)
    const which = this.#which()
    let words = this.#tables[which]!
    let word = this.#find(words)
    if (words[word + 4] === 0) {
      if (this.#taken[which]! + 1 > (words.length / entryWords) * load) {
        if (!this.#grow(which)) return false
        words = this.#tables[which]!
        word = this.#find(words)
      }
      words.set(this.#digest.words, word)
      this.#taken[which]!++
      this.#size++
    }
    words[word + 4] = relative
    return true
  }

  /** Offset of the key's last record; -1 when it has none here. */
  get(bytes: Uint8Array, at: number, length: number): number {
    this.#digest.digest(bytes, at, length)
    const words = this.#tables[this.#which()]!
    const relative = words[this.#find(words) + 4]! >>> 0
    return relative === 0 ? -1 : this.firstOffset + relative - 1
  }

  /** All records before `end`, and maybe some after it, are in. Nothing is put any more. Calls `rest` now and then. */
  seal(end: number, rest: () => void = () => undefined): void {
    const size = Math.ceil((end - this.firstOffset) / 8)
    // With very many records to a key the bits would take more than they are worth.
    if (this.bytes + size > mostBytesPerKey * this.#size) return
    const isLast = new Uint8Array(size)
    for (const words of this.#tables) {
      rest()
      for (let word = 4; word < words.length; word += entryWords) {
        const at = (words[word]! >>> 0) - 1
        if (at >= 0 && at >>> 3 < size) isLast[at >>> 3]! |= 1 << (at & 7)
      }
    }
    this.#isLast = isLast
  }

  /** Whether a later record of the same key is in, given a record before the end. */
  supersedes(bytes: Uint8Array, at: number, length: number, offset: number): boolean {
    const i = offset - this.firstOffset
    if (this.#isLast === undefined || i < 0) return this.get(bytes, at, length) > offset
    return (this.#isLast[Math.floor(i / 8)]! & (1 << (i % 8))) === 0
  }

  /** The table of the digest. A shift by 32 would be one by none. */
  #which(): number {
    return this.#bits === 0 ? 0 : this.#digest.words[0]! >>> (32 - this.#bits)
  }

  /** Where the entry of the digest is, or would be. */
  #find(words: Int32Array): number {
    const digest = this.#digest.words
    const a = digest[0]!
    const b = digest[1]!
    const c = digest[2]!
    const d = digest[3]!
    let word = slot(a << this.#bits, words.length / entryWords) * entryWords
    while (words[word + 4] !== 0) {
      if (words[word] === a && words[word + 1] === b && words[word + 2] === c && words[word + 3] === d) return word
      word += entryWords
      if (word === words.length) word = 0
    }
    return word
  }

  #grow(which: number): boolean {
    const old = this.#tables[which]!
    const before = old.length / entryWords
    const entries = Math.min(Math.ceil(before * growth), before + this.#mostEntries - this.#entries)
    if (entries <= before) return false
    const words = new Int32Array(entries * entryWords)
    for (let from = 0; from < old.length; from += entryWords) {
      if (old[from + 4] === 0) continue
      let to = slot(old[from]! << this.#bits, entries) * entryWords
      while (words[to + 4] !== 0) to = to + entryWords === words.length ? 0 : to + entryWords
      for (let i = 0; i < entryWords; i++) words[to + i] = old[from + i]!
    }
    this.#tables[which] = words
    this.#entries += entries - before
    return true
  }
}

/** By the high bits, which any number of entries divides evenly. */
const slot = (word: number, entries: number): number => Math.floor(((word >>> 0) / 2 ** 32) * entries)
