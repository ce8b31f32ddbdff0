import type { Random } from '../random.ts'

/**
 * Chance that repeats itself: xoshiro128** (Blackman, Vigna), its state spread from the seed by splitmix32.
 * `fork` gives independent streams, so that one more draw on the wire does not change what the disk does.
 */
export class SeededRandom implements Random {
  readonly seed: number
  readonly #state: Uint32Array

  constructor(seed: number) {
    this.seed = seed
    // Both halves of a large seed count.
    const spread = splitmix32((seed >>> 0) ^ Math.imul(Math.floor(seed / 2 ** 32), 0x9e3779b1))
    this.#state = Uint32Array.from({ length: 4 }, spread)
  }

  next(): number {
    // 53 bits: 21 from one draw, 32 from the next.
    return ((this.#draw() >>> 11) * 2 ** 32 + this.#draw()) / 2 ** 53
  }

  int(below: number): number {
    return Math.floor(this.next() * below)
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.#draw() >>> 24)
  }

  /** A fraction of the time. */
  chance(probability: number): boolean {
    return this.next() < probability
  }

  /** A fraction between the two. */
  between([least, most]: readonly [number, number]): number {
    return least + this.next() * (most - least)
  }

  /** Another stream, the same for the same seed and label, whatever was drawn here. */
  fork(label: string): SeededRandom {
    let hash = 0x811c9dc5
    for (const char of label) hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193)
    return new SeededRandom(this.seed ^ (hash >>> 0))
  }

  #draw(): number {
    const s = this.#state
    const result = Math.imul(rotated(Math.imul(s[1]!, 5), 7), 9) >>> 0
    const shifted = s[1]! << 9
    s[2]! ^= s[0]!
    s[3]! ^= s[1]!
    s[1]! ^= s[2]!
    s[0]! ^= s[3]!
    s[2]! ^= shifted
    s[3] = rotated(s[3]!, 11)
    return result
  }
}

function rotated(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by))
}

function splitmix32(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x9e3779b9) | 0
    let z = state ^ (state >>> 16)
    z = Math.imul(z, 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return (z ^ (z >>> 15)) >>> 0
  }
}
