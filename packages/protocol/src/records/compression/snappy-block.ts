import { DecodeError } from '../../errors.ts'
import type { CopyTarget } from './copy-target.ts'
import { copyBytes, findMatches } from './match-finder.ts'

/*
 * One block in snappy's format: its decompressed length as a varint, then elements, told apart by the two low bits of their first byte.
 *
 *     llllll 00             literal of l + 1 bytes; l of 60…63 says that l + 1 stands in the next 1…4 bytes (little-endian) instead
 *     ooo lll 01 oooooooo   copy of l + 4 bytes from o (11 bits) back
 *     llllll 10 o o         copy of l + 1 bytes from o (16 bits, little-endian) back
 *     llllll 11 o o o o     the same with 32 bits
 */

/** The densest element is a copy of 64 bytes in three: a block that promises more than this is lying. */
const maxRatio = 22

/** A block of incompressible bytes grows by at most this. */
export function snappyBound(length: number): number {
  return length + (length >> 6) + 16
}

/** Writes the block at `at` and returns the byte after it. There must be room for snappyBound. */
export function writeSnappyBlock(bytes: Uint8Array, from: number, to: number, out: Uint8Array, at: number): number {
  let end = writeLength(out, at, to - from)
  const matches = findMatches(bytes, from, to)
  let next = from
  for (let i = 0; i < matches.length; i += 3) {
    const literals = matches[i]!
    const length = matches[i + 2]!
    if (literals > 0) end = writeLiterals(bytes, next, literals, out, end)
    end = writeCopies(out, end, matches[i + 1]!, length)
    next += literals + length
  }
  return next < to ? writeLiterals(bytes, next, to - next, out, end) : end
}

function writeLength(out: Uint8Array, start: number, length: number): number {
  let at = start
  let rest = length
  for (; rest > 0x7f; rest >>>= 7) out[at++] = (rest & 0x7f) | 0x80
  out[at] = rest
  return at + 1
}

function writeLiterals(bytes: Uint8Array, from: number, length: number, out: Uint8Array, start: number): number {
  let at = start
  if (length <= 60) out[at++] = (length - 1) << 2
  else if (length <= 256) {
    out[at++] = 60 << 2
    out[at++] = length - 1
  } else {
    // A block is at most 64 KiB, so two bytes hold any length.
    out[at++] = 61 << 2
    out[at++] = length - 1
    out[at++] = (length - 1) >> 8
  }
  return copyBytes(bytes, from, length, out, at)
}

function writeCopies(out: Uint8Array, start: number, back: number, length: number): number {
  let at = start
  let rest = length
  // A copy is 64 bytes at most; none may be left that is shorter than 4.
  while (rest > 64) {
    const piece = rest >= 68 ? 64 : 60
    at = writeCopy(out, at, back, piece)
    rest -= piece
  }
  return writeCopy(out, at, back, rest)
}

function writeCopy(out: Uint8Array, at: number, back: number, length: number): number {
  if (length < 12 && back < 2048) {
    out[at] = ((back >> 8) << 5) | ((length - 4) << 2) | 1
    out[at + 1] = back
    return at + 2
  }
  out[at] = ((length - 1) << 2) | 2
  out[at + 1] = back
  out[at + 2] = back >> 8
  return at + 3
}

/** What the block in these bytes says it decompresses to, refused when the bytes cannot hold so much. */
export function snappyLength(bytes: Uint8Array, from: number, to: number): number {
  let length = 0
  for (let shift = 0, at = from; shift < 35 && at < to; shift += 7, at++) {
    length += (bytes[at]! & 0x7f) * 2 ** shift
    if (bytes[at]! >= 0x80) continue
    if (length > (to - from) * maxRatio)
      throw new DecodeError(`a snappy block of ${to - from} bytes says it holds ${length}`)
    return length
  }
  throw new DecodeError('a snappy block ends within its length')
}

/** Decompresses the block into exactly out[at … end), which is as long as snappyLength says. */
export function readSnappyBlock(
  bytes: Uint8Array,
  from: number,
  to: number,
  out: CopyTarget,
  at: number,
  end: number,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let next = from
  while (bytes[next++]! >= 0x80);
  let done = at
  while (next < to) {
    const tag = bytes[next++]!
    if ((tag & 3) === 0) {
      let length = (tag >> 2) + 1
      if (length > 60) {
        const width = length - 60
        if (width > to - next) throw cutOff()
        length = littleEndian(bytes, next, width) + 1
        next += width
      }
      if (length > to - next || length > end - done) throw cutOff()
      out.literals(bytes, view, next, done, length)
      next += length
      done += length
      continue
    }
    const width = (tag & 3) === 3 ? 4 : tag & 3
    if (width > to - next) throw cutOff()
    const isShort = width === 1
    const length = isShort ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1
    const back = isShort ? ((tag >> 5) << 8) | bytes[next]! : littleEndian(bytes, next, width)
    next += width
    if (back === 0 || back > done - at)
      throw new DecodeError(`a snappy copy reaches ${back} bytes back after ${done - at}`)
    if (length > end - done) throw cutOff()
    out.match(done, back, length)
    done += length
  }
  if (done !== end) throw new DecodeError(`a snappy block holds ${done - at} bytes; it says ${end - at}`)
}

function littleEndian(bytes: Uint8Array, at: number, width: number): number {
  if (width === 2) return bytes[at]! | (bytes[at + 1]! << 8)
  let value = 0
  for (let i = width - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!
  return value
}

function cutOff(): DecodeError {
  return new DecodeError('a snappy element does not fit its block')
}
