import { readSync } from 'node:fs'
import { compareKeys, headLength, prefixOf, viewOf } from './gathered-records.ts'
import type { RunFile } from './run-file.ts'

const chunkLength = 64 * 1024

/**
 * Records in key order (gathered-records.ts), each key once: in memory, or in a file that has no name any more and goes with the process.
 * Read from the beginning to the end, once.
 */
export class SortedRun {
  /** What is in memory of it. */
  bytes: Buffer
  view: DataView
  /** Where the record stands that has been come to. */
  at = 0
  prefix = 0
  readonly length: number
  readonly #file: number | undefined
  readonly #skip: number
  #end: number
  #left: number

  /** Of keys that all begin with the same bytes, `skip` is how many. */
  constructor(source: Buffer | RunFile, skip: number) {
    const inMemory = source instanceof Uint8Array
    this.length = source.length
    this.#file = inMemory ? undefined : source.file
    this.bytes = inMemory ? source : Buffer.allocUnsafeSlow(Math.min(chunkLength, source.length))
    this.view = viewOf(this.bytes)
    this.#end = inMemory ? source.length : 0
    this.#left = inMemory ? 0 : source.length
    this.#skip = skip
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

  /** All of it, with the lengths. */
  get record(): Uint8Array {
    return this.bytes.subarray(this.at, this.at + this.recordLength)
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
    const difference = this.prefix - other.prefix
    return difference !== 0
      ? difference
      : compareKeys(this.bytes, this.view, this.at, other.bytes, other.view, other.at)
  }

  #come(at: number): boolean {
    this.at = at
    if (!this.#has(headLength) || !this.#has(this.recordLength)) return false
    this.prefix = prefixOf(this.bytes, this.at, this.view, this.#skip)
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
    while (this.#left > 0 && this.#end < this.bytes.length) {
      const read = readSync(
        this.#file!,
        this.bytes,
        this.#end,
        Math.min(this.bytes.length - this.#end, this.#left),
        this.length - this.#left,
      )
      if (read === 0) throw new Error(`a run ends ${this.#left} bytes early`)
      this.#end += read
      this.#left -= read
    }
    return this.#end >= length
  }
}
