import { compareKeys, fourBytes, headLength, viewOf } from './gathered-records.ts'
import type { RunFile } from './run-file.ts'

const chunkLength = 64 * 1024

/**
 * Records in key order (gathered-records.ts), each key once, as they are read back from a file: from the beginning to the end, once.
 */
export class SortedRun {
  /** What is in memory of it. */
  bytes = Buffer.allocUnsafeSlow(chunkLength)
  view = viewOf(this.bytes)
  /** Where the record stands that has been come to, and the bytes of its key that mostly tell it from others. */
  at = 0
  high = 0
  low = 0
  readonly #file: RunFile
  readonly #skip: number
  #end = 0
  #left: number

  /** Of keys that all begin with the same bytes, `skip` is how many. */
  constructor(file: RunFile, skip: number) {
    this.#file = file
    this.#skip = skip
    this.#left = file.length
  }

  get keyLength(): number {
    return this.view.getUint32(this.at)
  }

  get entryLength(): number {
    return this.view.getUint32(this.at + 4)
  }

  get recordLength(): number {
    return headLength + this.keyLength + this.entryLength
  }

  get key(): Uint8Array {
    const from = this.at + headLength
    return this.bytes.subarray(from, from + this.keyLength)
  }

  get entry(): Uint8Array {
    const from = this.at + headLength + this.keyLength
    return this.bytes.subarray(from, from + this.entryLength)
  }

  /** Comes to the first. False: there is none. */
  begin(): boolean {
    return this.#come(0)
  }

  /** Comes to the next. False: there is none. */
  next(): boolean {
    return this.#come(this.at + this.recordLength)
  }

  /** Of the keys that have been come to: negative, this is before the other; 0, they are the same. */
  compare(other: SortedRun): number {
    if (this.high !== other.high) return this.high - other.high
    if (this.low !== other.low) return this.low - other.low
    return compareKeys(this.bytes, this.view, this.at, other.bytes, other.view, other.at)
  }

  #come(at: number): boolean {
    this.at = at
    if (!this.#has(headLength) || !this.#has(this.recordLength)) return false
    this.high = fourBytes(this.bytes, this.view, this.at, this.#skip)
    this.low = fourBytes(this.bytes, this.view, this.at, this.#skip + 4)
    return true
  }

  /** Whether so many bytes follow; they are in memory then. */
  #has(length: number): boolean {
    if (this.#end - this.at >= length) return true
    if (this.#left === 0) return false
    const rest = this.bytes.subarray(this.at, this.#end)
    if (length > this.bytes.length) {
      this.bytes = Buffer.concat([rest], length)
      this.view = viewOf(this.bytes)
    } else this.bytes.set(rest)
    this.at = 0
    this.#end = rest.length
    const read = this.#file.read(this.bytes.subarray(this.#end), this.#file.length - this.#left)
    this.#end += read
    this.#left -= read
    return this.#end >= length
  }
}
