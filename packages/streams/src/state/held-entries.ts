/**
 * Changes that wait to be written, by key. Their bytes stand side by side in pieces of memory, so that a change is one number for the
 * garbage collector, not three objects:
 *
 *     uint32 room ‖ uint32 length ‖ entry (disk-entry.ts)
 *
 * One that changes again stays where it is, if there is room. One that grows gets twice the room that it needs.
 */
import { writeInt64 } from './changelog-keys.ts'

const headLength = 8
const timeLength = 8
const firstPiece = 16 * 1024
const largestPiece = 2 ** 20
/** Stands for a key that is removed. */
const removed = -1
/** Of a key in the map, besides its characters. */
const overhead = 85

export class HeldEntries {
  readonly #places = new Map<string, number>()
  /** A place is which piece it is in, times `largestPiece`, and where: only an entry that has one for itself needs more. */
  readonly #pieces: Buffer[] = []
  /** Of the last piece. */
  #used = 0
  #bytes = 0

  get size(): number {
    return this.#places.size
  }

  /** In memory, about. */
  get bytes(): number {
    return this.#bytes
  }

  has(text: string): boolean {
    return this.#places.has(text)
  }

  keys(): Iterable<string> {
    return this.#places.keys()
  }

  /** As it is written. Valid until the next change; null: it is removed. */
  get(text: string): Buffer | null | undefined {
    const place = this.#places.get(text)
    if (place === undefined) return undefined
    return place === removed ? null : this.#entryAt(place)
  }

  /** True: the key is new here. */
  set(text: string, value: Uint8Array | null, timestamp: number): boolean {
    const before = this.#places.get(text)
    if (before === undefined) this.#bytes += overhead + text.length
    if (value === null) this.#places.set(text, removed)
    else this.#put(text, before, value, timestamp)
    return before === undefined
  }

  clear(): void {
    this.#places.clear()
    this.#pieces.length = 0
    this.#used = 0
    this.#bytes = 0
  }

  #put(text: string, before: number | undefined, value: Uint8Array, timestamp: number): void {
    const length = timeLength + value.length
    let place = before ?? removed
    if (place === removed || this.#pieceOf(place).readUInt32LE(offsetOf(place)) < length) {
      place = this.#roomFor(place === removed ? length : 2 * length)
      this.#places.set(text, place)
    }
    this.#pieceOf(place).writeUInt32LE(length, offsetOf(place) + 4)
    const entry = this.#entryAt(place)
    writeInt64(entry, 0, timestamp)
    entry.set(value, timeLength)
  }

  #roomFor(room: number): number {
    const needed = headLength + room
    let last = this.#pieces.at(-1)
    if (!last || this.#used + needed > Math.min(last.length, largestPiece)) {
      const next = last ? Math.min(2 * last.length, largestPiece) : firstPiece
      last = Buffer.allocUnsafeSlow(Math.max(next, needed))
      this.#pieces.push(last)
      this.#used = 0
    }
    const at = this.#used
    last.writeUInt32LE(room, at)
    this.#used += needed
    this.#bytes += needed
    return (this.#pieces.length - 1) * largestPiece + at
  }

  #entryAt(place: number): Buffer {
    const at = offsetOf(place) + headLength
    const piece = this.#pieceOf(place)
    return piece.subarray(at, at + piece.readUInt32LE(at - 4))
  }

  #pieceOf(place: number): Buffer {
    return this.#pieces[Math.floor(place / largestPiece)]!
  }
}

const offsetOf = (place: number): number => place % largestPiece
