import { DecodeError } from '../errors.ts'

/**
 * Zigzag varints, as records use them: seven bits a byte, lowest first, the sign in bit 0. A varint is an int32 in at most five bytes, a
 * varlong an int64 in at most ten; here a varlong is a `number`, exact up to 2^53.
 */
export class VarintCursor {
  readonly bytes: Uint8Array
  /** The next byte to read. */
  at: number
  /** Nothing at or past this byte is read. */
  limit: number

  constructor(bytes: Uint8Array, at: number, limit: number) {
    this.bytes = bytes
    this.at = at
    this.limit = limit
  }

  varint(): number {
    const first = this.at < this.limit ? this.bytes[this.at]! : 0x80
    if (first < 0x80) {
      this.at++
      return (first >>> 1) ^ -(first & 1)
    }
    return this.#longVarint()
  }

  varlong(): number {
    let low = 0
    const { bytes, limit } = this
    for (let shift = 0; shift < 28; shift += 7) {
      if (this.at >= limit) throw this.#cutOff()
      const byte = bytes[this.at++]!
      low |= (byte & 0x7f) << shift
      if (byte < 0x80) return (low >>> 1) ^ -(low & 1)
    }
    return this.#longVarlong(low)
  }

  #longVarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.at >= this.limit) throw this.#cutOff()
      const byte = this.bytes[this.at++]!
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        if (shift === 28 && byte > 0x0f) break
        return (value >>> 1) ^ -(value & 1)
      }
    }
    throw new DecodeError(`varint before byte ${this.at} does not fit 32 bits`)
  }

  /** The rest of a varlong whose lowest 28 bits are `low`. The sign bit is kept apart so that the halves stay exact. */
  #longVarlong(low: number): number {
    let magnitude = low >>> 1
    for (let unit = 2 ** 27, i = 4; i < 10; unit *= 128, i++) {
      if (this.at >= this.limit) throw this.#cutOff()
      const byte = this.bytes[this.at++]!
      magnitude += (byte & 0x7f) * unit
      if (byte < 0x80) {
        if (magnitude > Number.MAX_SAFE_INTEGER) break
        return low & 1 ? -magnitude - 1 : magnitude
      }
    }
    throw new DecodeError(`varlong before byte ${this.at} is beyond 2^53`)
  }

  #cutOff(): DecodeError {
    return new DecodeError(`varint runs past byte ${this.limit}`)
  }
}

export function sizeOfVarint(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  return zigzag < 0x80 ? 1 : zigzag < 0x4000 ? 2 : zigzag < 0x20_0000 ? 3 : zigzag < 0x1000_0000 ? 4 : 5
}

export function sizeOfVarlong(value: number): number {
  if (value === (value | 0)) return sizeOfVarint(value)
  let size = 5
  // The first five bytes carry 35 bits, one of them the sign.
  for (let rest = Math.floor((value < 0 ? -1 - value : value) / 2 ** 34); rest > 0; rest = Math.floor(rest / 128))
    size++
  return size
}

/** Writes an int32 and returns the byte after it. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0
  while (rest > 0x7f) {
    bytes[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  bytes[at] = rest
  return at + 1
}

/** Writes a safe integer and returns the byte after it. */
export function writeVarlong(bytes: Uint8Array, at: number, value: number): number {
  if (value === (value | 0)) return writeVarint(bytes, at, value)
  const isNegative = value < 0
  let rest = isNegative ? -1 - value : value
  bytes[at++] = ((rest % 64) * 2) | (isNegative ? 1 : 0) | 0x80
  rest = Math.floor(rest / 64)
  while (rest > 0x7f) {
    bytes[at++] = (rest % 128) | 0x80
    rest = Math.floor(rest / 128)
  }
  bytes[at] = rest
  return at + 1
}
