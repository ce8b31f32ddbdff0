import { DecodeError } from './errors.ts'

/**
 * Reads Kafka's primitive types from one frame. Believes nothing: every length and count is checked against the bytes that are
 * really there before anything is allocated for it, so decoding costs at most time and memory in proportion to the frame. Since a
 * struct of three bytes may become an object of a hundred, the arrays of a message also share a budget of memory.
 *
 * Invariants: `at <= end`; byte fields are plain Uint8Array views of the frame (a Buffer's `slice` would alias); only DecodeError is thrown.
 */
export class Reader {
  readonly bytes: Buffer
  readonly end: number
  at: number
  /** How many times its own size a message may take in memory, besides `freeMemory`. */
  readonly growth: number
  #memoryLeft: number

  constructor(bytes: Uint8Array, at = 0, end: number = bytes.length, growth = 16) {
    this.bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.at = at
    this.end = end
    this.growth = growth
    this.#memoryLeft = freeMemory + growth * (end - at)
  }

  get remaining(): number {
    return this.end - this.at
  }

  /** Moves past `count` bytes and returns where they begin. */
  #take(count: number, what: string): number {
    const at = this.at
    if (count > this.end - at) this.fail(`${what} needs ${count} bytes, ${this.end - at} are left`)
    this.at = at + count
    return at
  }

  fail(reason: string): never {
    throw new DecodeError(reason, { position: this.at })
  }

  bool(): boolean {
    return this.bytes[this.#take(1, 'bool')] !== 0
  }

  int8(): number {
    return (this.bytes[this.#take(1, 'int8')]! << 24) >> 24
  }

  int16(): number {
    const at = this.#take(2, 'int16')
    return (((this.bytes[at]! << 8) | this.bytes[at + 1]!) << 16) >> 16
  }

  uint16(): number {
    const at = this.#take(2, 'uint16')
    return (this.bytes[at]! << 8) | this.bytes[at + 1]!
  }

  int32(): number {
    const at = this.#take(4, 'int32')
    const b = this.bytes
    return (b[at]! << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!
  }

  uint32(): number {
    return this.int32() >>> 0
  }

  int64(): number {
    const value = this.int32() * 0x1_0000_0000 + this.uint32()
    if (!Number.isSafeInteger(value)) this.fail('int64 is beyond 2^53')
    return value
  }

  bigint64(): bigint {
    return this.bytes.readBigInt64BE(this.#take(8, 'int64'))
  }

  float64(): number {
    return this.bytes.readDoubleBE(this.#take(8, 'float64'))
  }

  uvarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.bytes[this.#take(1, 'varint')]!
      if (shift === 28 && byte > 15) break
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    return this.fail('varint is longer than 32 bits')
  }

  uuid(): string {
    const at = this.#take(16, 'uuid')
    const hex = this.bytes.toString('hex', at, at + 16)
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
  }

  #text(length: number): string {
    const at = this.#take(length, 'string')
    return this.bytes.toString('utf8', at, at + length)
  }

  #view(length: number): Uint8Array {
    if (length === 0) return noBytes
    const at = this.#take(length, 'byte field')
    return new Uint8Array(this.bytes.buffer, this.bytes.byteOffset + at, length)
  }

  // Each variable-length type exists with a fixed-size length (−1 is null) and with a compact one (length + 1, 0 is null).

  string(): string {
    const length = this.int16()
    if (length < 0) this.fail(`string has length ${length}`)
    return this.#text(length)
  }

  compactString(): string {
    const length = this.uvarint() - 1
    if (length < 0) this.fail('string is null')
    return this.#text(length)
  }

  nullableString(): string | null {
    const length = this.int16()
    if (length < -1) this.fail(`string has length ${length}`)
    return length < 0 ? null : this.#text(length)
  }

  nullableCompactString(): string | null {
    const length = this.uvarint() - 1
    return length < 0 ? null : this.#text(length)
  }

  byteArray(): Uint8Array {
    const length = this.int32()
    if (length < 0) this.fail(`byte field has length ${length}`)
    return this.#view(length)
  }

  compactByteArray(): Uint8Array {
    const length = this.uvarint() - 1
    if (length < 0) this.fail('byte field is null')
    return this.#view(length)
  }

  nullableByteArray(): Uint8Array | null {
    const length = this.int32()
    if (length < -1) this.fail(`byte field has length ${length}`)
    return length < 0 ? null : this.#view(length)
  }

  nullableCompactByteArray(): Uint8Array | null {
    const length = this.uvarint() - 1
    return length < 0 ? null : this.#view(length)
  }

  // The element count of an array whose elements take at least `minimum` bytes each, and about `memory` bytes once decoded.

  count(minimum: number, memory: number): number {
    const count = this.int32()
    if (count < 0) this.fail(`array has ${count} elements`)
    return this.#checked(count, minimum, memory)
  }

  compactCount(minimum: number, memory: number): number {
    const count = this.uvarint() - 1
    if (count < 0) this.fail('array is null')
    return this.#checked(count, minimum, memory)
  }

  /** −1 is null. */
  nullableCount(minimum: number, memory: number): number {
    const count = this.int32()
    if (count < -1) this.fail(`array has ${count} elements`)
    return this.#checked(count, minimum, memory)
  }

  nullableCompactCount(minimum: number, memory: number): number {
    return this.#checked(this.uvarint() - 1, minimum, memory)
  }

  #checked(count: number, minimum: number, memory: number): number {
    if (count * minimum > this.end - this.at) {
      this.fail(`array of ${count} elements needs ${count * minimum} bytes, ${this.end - this.at} are left`)
    }
    if (count > 0 && (this.#memoryLeft -= count * memory) < 0)
      this.fail(`array of ${count} elements is too much for a message of this size`)
    return count
  }

  /** Whether a nullable struct follows. */
  presence(): boolean {
    return this.int8() >= 0
  }

  /** The size of a tagged field, as the position where it must end. */
  sizedEnd(): number {
    const size = this.uvarint()
    if (size > this.end - this.at) this.fail(`tagged field of ${size} bytes, ${this.end - this.at} are left`)
    return this.at + size
  }

  /** A known tagged field must take exactly the bytes it claims. */
  expectEnd(end: number): void {
    if (this.at !== end) this.fail(`tagged field ends at byte ${this.at}, its size says ${end}`)
  }

  /** Skips a tag section of which this side knows nothing. */
  skipTags(): void {
    for (let left = this.uvarint(); left > 0; left--) {
      this.uvarint()
      this.at = this.sizedEnd()
    }
  }
}

/** A message of ordinary size may grow in memory as its objects need; this is far beyond the largest of them. */
const freeMemory = 32 * 1024 * 1024
const noBytes = new Uint8Array(0)
