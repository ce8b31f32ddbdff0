import { DecodeError } from '../../errors.ts'
import type { CopyTarget } from './copy-target.ts'
import { copyBytes, findMatches } from './match-finder.ts'

/*
 * One block in lz4's format: sequences of literals and a match, the last one without a match.
 *
 *     token llll mmmm · (llll is 15: more bytes to add, up to one that is not 255) · literals · offset (16 bits, little-endian) ·
 *     (mmmm is 15: the same for the match), where a match is mmmm + 4 bytes long
 */

/** A block of incompressible bytes grows by at most this. */
export function lz4Bound(length: number): number {
  return length + ((length / 255) | 0) + 16
}

/** Writes the block at `at` and returns the byte after it. There must be room for lz4Bound. */
export function writeLz4Block(bytes: Uint8Array, from: number, to: number, out: Uint8Array, start: number): number {
  const matches = findMatches(bytes, from, to)
  let at = start
  let next = from
  for (let i = 0; i < matches.length; i += 3) {
    const literals = matches[i]!
    const back = matches[i + 1]!
    const more = matches[i + 2]! - 4
    const tokenAt = at++
    out[tokenAt] = (Math.min(literals, 15) << 4) | Math.min(more, 15)
    if (literals >= 15) at = writeRest(out, at, literals - 15)
    at = copyBytes(bytes, next, literals, out, at)
    out[at] = back
    out[at + 1] = back >> 8
    at += 2
    if (more >= 15) at = writeRest(out, at, more - 15)
    next += literals + more + 4
  }
  const literals = to - next
  out[at++] = Math.min(literals, 15) << 4
  if (literals >= 15) at = writeRest(out, at, literals - 15)
  return copyBytes(bytes, next, literals, out, at)
}

function writeRest(out: Uint8Array, start: number, rest: number): number {
  let at = start
  for (; rest >= 255; rest -= 255) out[at++] = 255
  out[at] = rest
  return at + 1
}

/**
 * Decompresses a block to out[at …), not past `limit`, and returns the byte after it. Matches may reach back to `window`, where blocks
 * before this one may stand.
 */
export function readLz4Block(
  bytes: Uint8Array,
  from: number,
  to: number,
  out: CopyTarget,
  at: number,
  window: number,
  limit: number,
): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let next = from
  let done = at
  while (next < to) {
    const token = bytes[next++]!
    let literals = token >> 4
    if (literals === 15) {
      let more: number
      do {
        if (next >= to) throw cutOff()
        more = bytes[next++]!
        literals += more
      } while (more === 255)
    }
    if (literals > to - next) throw cutOff()
    if (literals > limit - done) throw tooMuch(limit - at)
    out.literals(bytes, view, next, done, literals)
    next += literals
    done += literals
    if (next === to) return done

    if (to - next < 2) throw cutOff()
    const back = bytes[next]! | (bytes[next + 1]! << 8)
    next += 2
    let length = (token & 15) + 4
    if (length === 19) {
      let more: number
      do {
        if (next >= to) throw cutOff()
        more = bytes[next++]!
        length += more
      } while (more === 255)
    }
    if (back === 0 || back > done - window)
      throw new DecodeError(`an lz4 match reaches ${back} bytes back after ${done - window}`)
    if (length > limit - done) throw tooMuch(limit - at)
    out.match(done, back, length)
    done += length
  }
  throw cutOff()
}

function cutOff(): DecodeError {
  return new DecodeError('an lz4 sequence runs past its block')
}

function tooMuch(allowed: number): DecodeError {
  return new DecodeError(`an lz4 block decompresses to more than the ${allowed} bytes allowed`)
}
