/*
 * The two copies that a decompressor makes. Short ones, the most, are loops: a call into the engine costs more. Callers have checked
 * that all of it lies within bounds.
 */

const shortCopy = 48

export function copyLiterals(from: Uint8Array, fromAt: number, to: Uint8Array, at: number, length: number): void {
  if (length <= shortCopy) for (let i = 0; i < length; i++) to[at + i] = from[fromAt + i]!
  else to.set(from.subarray(fromAt, fromAt + length), at)
}

/** Repeats what stands `back` bytes before; where that is less than `length`, what was just written is repeated too. */
export function copyMatch(bytes: Uint8Array, at: number, back: number, length: number): void {
  const from = at - back
  if (length <= shortCopy) {
    for (let i = 0; i < length; i++) bytes[at + i] = bytes[from + i]!
    return
  }
  // Each round doubles what can be copied at once.
  let done = Math.min(back, length)
  bytes.copyWithin(at, from, from + done)
  while (done < length) {
    const more = Math.min(done, length - done)
    bytes.copyWithin(at + done, at, at + more)
    done += more
  }
}
