/**
 * Records of a changelog, put side by side in one piece of memory until they are written in key order. No object is kept for a record.
 *
 *     uint32 length of key ‖ uint32 length of entry, 0: removed ‖ 1 ‖ key ‖ entry (disk-entry.ts)
 *
 * The key stands as LMDB has it, with its byte 1.
 */
import type { RestoredRecord } from './tables.ts'

export const headLength = 8
const entryHead = 8

export class GatheredRecords {
  #bytes: Buffer
  #view: DataView
  #used = 0
  #count = 0
  /** So many bytes are the same in all keys, as LMDB has them. */
  #common = 0

  constructor(capacity: number) {
    this.#bytes = Buffer.alloc(capacity)
    this.#view = viewOf(this.#bytes)
  }

  /** False: there is no room, `drain` must come first. One that is alone finds room whatever its length. */
  add(key: Uint8Array, { value, timestamp }: RestoredRecord): boolean {
    const length = lengthOf(key, value)
    if (this.#used + length > this.#bytes.length) {
      if (this.#used > 0) return false
      this.#bytes = Buffer.alloc(length)
      this.#view = viewOf(this.#bytes)
    }
    const view = this.#view
    let at = this.#used
    view.setUint32(at, key.length + 1)
    view.setUint32(at + 4, value === null ? 0 : entryHead + value.length)
    at += headLength
    this.#bytes[at] = 1
    this.#bytes.set(key, at + 1)
    if (value !== null) {
      at += 1 + key.length
      const time = Math.max(timestamp, 0)
      const high = Math.floor(time / 2 ** 32)
      view.setInt32(at, high)
      view.setUint32(at + 4, time - high * 2 ** 32)
      this.#bytes.set(value, at + entryHead)
    }
    this.#common = this.#count === 0 ? key.length + 1 : this.#commonWith(key)
    this.#used += length
    this.#count++
    return true
  }

  /** What all keys begin with, as LMDB has them. */
  get common(): Uint8Array {
    return new Uint8Array(this.#bytes.subarray(headLength, headLength + this.#common))
  }

  /** Gives away in key order where records stand, of each key the last; then nothing is gathered. */
  drain(take: (bytes: Buffer, from: number, to: number) => void): void {
    const starts = this.#starts()
    const order = this.#order(starts)
    for (let i = 0; i < order.length; i++) {
      const at = starts[order[i]!]!
      if (i + 1 < order.length && this.#compareKeys(at, starts[order[i + 1]!]!) === 0) continue
      take(this.#bytes, at, this.#end(at))
    }
    this.#used = 0
    this.#count = 0
  }

  #commonWith(key: Uint8Array): number {
    const most = Math.min(this.#common, key.length + 1)
    let same = 1
    while (same < most && this.#bytes[headLength + same] === key[same - 1]) same++
    return same
  }

  #starts(): Uint32Array {
    const starts = new Uint32Array(this.#count)
    for (let i = 0, at = 0; i < starts.length; i++) {
      starts[i] = at
      at = this.#end(at)
    }
    return starts
  }

  /** Merges neighbours, then neighbours of those, and so on: what is in order already is found so, and equal keys stay as they came. */
  #order(starts: Uint32Array): Uint32Array {
    const count = starts.length
    const skip = this.#common
    const [high, low] = [new Uint32Array(count), new Uint32Array(count)]
    for (let i = 0; i < count; i++) {
      high[i] = fourBytes(this.#bytes, this.#view, starts[i]!, skip)
      low[i] = fourBytes(this.#bytes, this.#view, starts[i]!, skip + 4)
    }
    const isAfter = (one: number, other: number): boolean => {
      if (high[one] !== high[other]) return high[one]! > high[other]!
      if (low[one] !== low[other]) return low[one]! > low[other]!
      return this.#compareKeys(starts[one]!, starts[other]!) > 0
    }
    let from = Uint32Array.from(starts.keys())
    let to = new Uint32Array(count)
    for (let width = 1; width < count; width *= 2) {
      for (let low = 0; low < count; low += 2 * width)
        mergeNeighbours(from, to, low, Math.min(low + width, count), Math.min(low + 2 * width, count), isAfter)
      ;[from, to] = [to, from]
    }
    return from
  }

  #compareKeys(one: number, other: number): number {
    return compareKeys(this.#bytes, this.#view, one, this.#bytes, this.#view, other)
  }

  #end(at: number): number {
    return at + headLength + this.#view.getUint32(at) + this.#view.getUint32(at + 4)
  }
}

const lengthOf = (key: Uint8Array, value: Uint8Array | null): number =>
  headLength + 1 + key.length + (value === null ? 0 : entryHead + value.length)

export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Of the key of the record there, after those that are skipped: they sort as keys do; equal ones say nothing. */
export function fourBytes(bytes: Uint8Array, view: DataView, at: number, skip: number): number {
  const from = at + headLength + skip
  const end = at + headLength + view.getUint32(at)
  if (end - from >= 4) return view.getUint32(from)
  let found = 0
  for (let i = from; i < from + 4; i++) found = found * 256 + (i < end ? bytes[i]! : 0)
  return found
}

/** Of the records that stand there. */
export function compareKeys(
  bytes: Buffer,
  view: DataView,
  at: number,
  others: Buffer,
  otherView: DataView,
  other: number,
): number {
  const [from, otherFrom] = [at + headLength, other + headLength]
  return bytes.compare(others, otherFrom, otherFrom + otherView.getUint32(other), from, from + view.getUint32(at))
}

function mergeNeighbours(
  from: Uint32Array,
  to: Uint32Array,
  low: number,
  middle: number,
  high: number,
  isAfter: (one: number, other: number) => boolean,
): void {
  if (middle >= high || !isAfter(from[middle - 1]!, from[middle]!)) {
    to.set(from.subarray(low, high), low)
    return
  }
  let [left, right] = [low, middle]
  for (let i = low; i < high; i++)
    to[i] = right >= high || (left < middle && !isAfter(from[left]!, from[right]!)) ? from[left++]! : from[right++]!
}
