/**
 * Finds what repeats in a block: the half that snappy and lz4 share. Greedy, with one remembered position for each hash of four bytes,
 * and longer strides the longer nothing is found.
 *
 * A match is three numbers: how many bytes before it are literal, how far back its copy stands, how long it is. What follows the last
 * match is literal too. Matches begin 12 bytes before the end at the latest and leave the last 5 bytes alone, as lz4 demands.
 */
export const maxBlockBytes: number = 64 * 1024

/** No match is shorter than four bytes, so a block has room for all its matches. */
const matches = new Int32Array((maxBlockBytes / 4) * 3)
const hashBits = 14
/** Positions in the block; zero, its first byte, also stands for "none", for every candidate is compared anyway. */
const positions = new Uint16Array(1 << hashBits)

const strideStart = 1 << 5

/** The result is overwritten by the next call. The block is at most maxBlockBytes long. */
export function findMatches(bytes: Uint8Array, from: number, to: number): Int32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const lastStart = to - 12
  const lastEnd = to - 5
  let count = 0
  let anchor = from
  let at = from + 1
  let stride = strideStart
  positions.fill(0)
  while (at <= lastStart) {
    const word = view.getInt32(at, true)
    const slot = Math.imul(word, 0x9e3779b1) >>> (32 - hashBits)
    const candidate = from + positions[slot]!
    positions[slot] = at - from
    if (view.getInt32(candidate, true) !== word) {
      at += stride++ >> 5
      continue
    }
    let start = at
    const back = at - candidate
    while (start > anchor && start - back > from && bytes[start - 1] === bytes[start - back - 1]) start--
    at = matchEnd(bytes, view, at + 4, back, lastEnd)
    matches[count] = start - anchor
    matches[count + 1] = back
    matches[count + 2] = at - start
    count += 3
    anchor = at
    stride = strideStart
    if (at <= lastStart)
      positions[Math.imul(view.getInt32(at - 2, true), 0x9e3779b1) >>> (32 - hashBits)] = at - 2 - from
  }
  return matches.subarray(0, count)
}

function matchEnd(bytes: Uint8Array, view: DataView, from: number, back: number, limit: number): number {
  let at = from
  while (at + 4 <= limit) {
    const difference = view.getInt32(at, true) ^ view.getInt32(at - back, true)
    // The number of equal bytes is where the lowest differing bit stands.
    if (difference !== 0) return at + ((31 - Math.clz32(difference & -difference)) >> 3)
    at += 4
  }
  while (at < limit && bytes[at] === bytes[at - back]) at++
  return at
}

/** Copies literals, mostly a few: a loop costs less than a call into the engine. Returns the byte after them. */
export function copyBytes(bytes: Uint8Array, from: number, length: number, out: Uint8Array, at: number): number {
  if (length <= 48) for (let i = 0; i < length; i++) out[at + i] = bytes[from + i]!
  else out.set(bytes.subarray(from, from + length), at)
  return at + length
}
