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

/** Records in key order, each key once, and the keys of the first and the last. */
export interface SortedRecords {
  readonly bytes: Buffer
  readonly first: Uint8Array
  readonly last: Uint8Array
}

export class GatheredRecords {
  #bytes: Buffer
  #view: DataView
  #used = 0
  #count = 0

  constructor(capacity: number) {
    this.#bytes = Buffer.alloc(capacity)
    this.#view = viewOf(this.#bytes)
  }

  /** False: there is no room, `sorted` must come first. One that is alone finds room whatever its length. */
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
      const high = Math.floor(timestamp / 2 ** 32)
      view.setInt32(at, high)
      view.setUint32(at + 4, timestamp - high * 2 ** 32)
      this.#bytes.set(value, at + entryHead)
    }
    this.#used += length
    this.#count++
    return true
  }

  /** In key order, of each key the last; then nothing is gathered. There must be something. */
  sorted(): SortedRecords {
    const starts = this.#starts()
    const order = this.#order(starts)
    const bytes = Buffer.allocUnsafeSlow(this.#used)
    let used = 0
    for (let i = 0; i < order.length; i++) {
      const at = starts[order[i]!]!
      if (i + 1 < order.length && this.#compareKeys(at, starts[order[i + 1]!]!) === 0) continue
      used += this.#bytes.copy(bytes, used, at, this.#end(at))
    }
    const [first, last] = [this.#keyAt(starts[order[0]!]!), this.#keyAt(starts[order[order.length - 1]!]!)]
    this.#used = 0
    this.#count = 0
    return { bytes: bytes.subarray(0, used), first, last }
  }

  #keyAt(at: number): Uint8Array {
    return new Uint8Array(this.#bytes.subarray(at + headLength, at + headLength + this.#view.getUint32(at)))
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
    const skip = this.#commonLength(starts)
    const prefixes = new Float64Array(count)
    for (let i = 0; i < count; i++) prefixes[i] = prefixOf(this.#bytes, starts[i]!, this.#view, skip)
    const isAfter = (one: number, other: number): boolean => {
      const difference = prefixes[one]! - prefixes[other]!
      return difference !== 0 ? difference > 0 : this.#compareKeys(starts[one]!, starts[other]!) > 0
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

  /** How many bytes all keys begin with. */
  #commonLength(starts: Uint32Array): number {
    if (starts.length === 0) return 0
    const first = starts[0]! + headLength
    let common = this.#view.getUint32(starts[0]!)
    for (let i = 1; i < starts.length && common > 0; i++) {
      const start = starts[i]!
      common = Math.min(common, this.#view.getUint32(start))
      let same = 0
      while (same < common && this.#bytes[first + same] === this.#bytes[start + headLength + same]) same++
      common = same
    }
    return common
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

/** Six bytes of the key of the record there, after those that are skipped: they sort as keys do; equal ones say nothing. */
export function prefixOf(bytes: Uint8Array, at: number, view: DataView, skip: number): number {
  const from = at + headLength + skip
  const end = at + headLength + view.getUint32(at)
  if (end - from >= 6) return view.getUint32(from) * 65_536 + view.getUint16(from + 4)
  let prefix = 0
  for (let i = from; i < from + 6; i++) prefix = prefix * 256 + (i < end ? bytes[i]! : 0)
  return prefix
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
