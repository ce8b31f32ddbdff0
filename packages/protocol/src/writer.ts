import { UsageError } from './errors.ts'

/**
 * Writes Kafka's primitive types into a list of chunks.
 *
 * Small fields go into a slab that many messages share; byte fields of 4 KiB and more become chunks of their own, by reference,
 * so a fetched batch is never copied here (and must not be changed until the chunks have been sent).
 *
 *     slab  ··· earlier messages │ sealed chunk │ open: start ──▶ at │ free ···
 *
 * Invariants: what is written never moves, except inside a section that is open: a tagged field, whose size comes before its content
 * and is known after it. Sections are never sealed while open, so they can be shifted when the size takes more than one byte.
 * Encoding is synchronous and one message at a time; that is why one slab is enough.
 */
const slabSize = 64 * 1024
const byReference = 4096
let slab: Buffer = Buffer.allocUnsafeSlow(slabSize)
let slabAt = 0

export class Writer {
  #chunks: Uint8Array[] = []
  #buffer: Buffer
  #start: number
  #at: number
  #sealedBytes = 0
  #openSections = 0
  /** Where the outermost open section begins. */
  #sectionsAt = 0

  constructor() {
    if (slabSize - slabAt < 1024) {
      slab = Buffer.allocUnsafeSlow(slabSize)
      slabAt = 0
    }
    this.#buffer = slab
    this.#start = slabAt
    this.#at = slabAt
  }

  /** Bytes written so far. */
  get size(): number {
    return this.#sealedBytes + this.#at - this.#start
  }

  /** Everything written, in order. The writer is spent afterwards. */
  finish(): Uint8Array[] {
    this.#seal()
    if (this.#buffer === slab) slabAt = this.#at
    return this.#chunks
  }

  /** Makes a chunk of what was written up to `end`. */
  #seal(end: number = this.#at): void {
    if (end === this.#start) return
    this.#chunks.push(this.#buffer.subarray(this.#start, end))
    this.#sealedBytes += end - this.#start
    this.#start = end
  }

  /** Makes room for `count` more bytes and returns where they begin. */
  #room(count: number): number {
    if (this.#at + count > this.#buffer.length) this.#grow(count)
    const at = this.#at
    this.#at = at + count
    return at
  }

  /** Goes on in another buffer; what is written stays where it is, save for open sections, which move along. */
  #grow(count: number): void {
    this.#seal(this.#openSections === 0 ? this.#at : this.#sectionsAt)
    if (this.#buffer === slab) slabAt = this.#start
    const open = this.#at - this.#start
    const next = Buffer.allocUnsafeSlow(Math.max(slabSize, (open + count) * 2))
    this.#buffer.copy(next, 0, this.#start, this.#at)
    if (next.length === slabSize) {
      slab = next
      slabAt = 0
    }
    this.#buffer = next
    this.#start = 0
    this.#sectionsAt = 0
    this.#at = open
  }

  /** Reserves the four bytes of a frame's length; the function returned writes it there. */
  frame(): () => void {
    const at = this.#room(4)
    const buffer = this.#buffer
    const before = this.size
    return () => {
      buffer.writeInt32BE(this.size - before, at)
    }
  }

  bool(value: boolean): void {
    this.#buffer[this.#room(1)] = value ? 1 : 0
  }

  int8(value: number): void {
    const at = this.#room(1)
    this.#buffer[at] = value
  }

  int16(value: number): void {
    const at = this.#room(2)
    const b = this.#buffer
    b[at] = value >> 8
    b[at + 1] = value
  }

  uint16(value: number): void {
    this.int16(value)
  }

  int32(value: number): void {
    const at = this.#room(4)
    const b = this.#buffer
    b[at] = value >> 24
    b[at + 1] = value >> 16
    b[at + 2] = value >> 8
    b[at + 3] = value
  }

  uint32(value: number): void {
    this.int32(value)
  }

  int64(value: number): void {
    if (!Number.isSafeInteger(value)) throw new UsageError(`expected an integer within ±2^53, got ${String(value)}`)
    this.int32(Math.floor(value / 0x1_0000_0000))
    this.int32(value >>> 0)
  }

  bigint64(value: bigint): void {
    const at = this.#room(8)
    this.#buffer.writeBigInt64BE(value, at)
  }

  float64(value: number): void {
    const at = this.#room(8)
    this.#buffer.writeDoubleBE(value, at)
  }

  uvarint(value: number): void {
    const at = this.#room(5)
    this.#at = putVarint(this.#buffer, at, value)
  }

  uuid(value: string): void {
    const at = this.#room(16)
    const written = this.#buffer.write(value.replaceAll('-', ''), at, 16, 'hex')
    if (value.length !== 36 || written !== 16) throw new UsageError(`expected a uuid of 36 characters, got '${value}'`)
  }

  // Each variable-length type exists with a fixed-size length (−1 is null) and with a compact one (length + 1, 0 is null).

  string(value: string): void {
    const length = byteLength(value)
    if (length > 0x7fff) throw new UsageError(`a string of ${length} bytes is too long; at most 32767 fit`)
    this.int16(length)
    this.#text(value, length)
  }

  compactString(value: string): void {
    const length = byteLength(value)
    this.uvarint(length + 1)
    this.#text(value, length)
  }

  nullableString(value: string | null): void {
    if (value === null) this.int16(-1)
    else this.string(value)
  }

  nullableCompactString(value: string | null): void {
    if (value === null) this.uvarint(0)
    else this.compactString(value)
  }

  byteArray(value: ByteField): void {
    this.int32(totalLength(value))
    this.#raw(value)
  }

  compactByteArray(value: ByteField): void {
    this.uvarint(totalLength(value) + 1)
    this.#raw(value)
  }

  nullableByteArray(value: ByteField | null): void {
    if (value === null) this.int32(-1)
    else this.byteArray(value)
  }

  nullableCompactByteArray(value: ByteField | null): void {
    if (value === null) this.uvarint(0)
    else this.compactByteArray(value)
  }

  #text(value: string, length: number): void {
    const at = this.#room(length)
    this.#buffer.write(value, at, length, 'utf8')
  }

  #raw(value: ByteField): void {
    if (value instanceof Uint8Array) this.#bytes(value)
    else for (const slice of value) this.#bytes(slice)
  }

  #bytes(value: Uint8Array): void {
    if (value.length >= byReference && this.#openSections === 0) {
      this.#seal()
      this.#chunks.push(value)
      this.#sealedBytes += value.length
    } else {
      const at = this.#room(value.length)
      this.#buffer.set(value, at)
    }
  }

  /** Begins a section whose size precedes it; `endSection` takes what this returns. */
  beginSection(): number {
    if (this.#openSections++ === 0) this.#sectionsAt = this.#at
    return this.#room(1) + 1 - this.#sectionsAt
  }

  endSection(mark: number): void {
    const size = this.#at - this.#sectionsAt - mark
    let sizeBytes = 1
    for (let rest = size >>> 7; rest > 0; rest >>>= 7) sizeBytes++
    if (sizeBytes > 1) this.#room(sizeBytes - 1)
    const content = this.#sectionsAt + mark
    if (sizeBytes > 1) this.#buffer.copyWithin(content + sizeBytes - 1, content, content + size)
    putVarint(this.#buffer, content - 1, size)
    this.#openSections--
  }
}

/** Writes an unsigned varint and returns where it ends. */
function putVarint(buffer: Uint8Array, at: number, value: number): number {
  let rest = value >>> 0
  while (rest > 0x7f) {
    buffer[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  buffer[at] = rest
  return at + 1
}

type ByteField = Uint8Array | readonly Uint8Array[]

function totalLength(value: ByteField): number {
  if (value instanceof Uint8Array) return value.length
  let total = 0
  for (const slice of value) total += slice.length
  return total
}

function byteLength(value: string): number {
  if (typeof value !== 'string') throw new UsageError(`expected a string, got ${String(value)}`)
  return Buffer.byteLength(value)
}
