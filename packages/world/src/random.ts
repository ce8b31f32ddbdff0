/** Chance. The real one is unpredictable; the simulated one repeats itself from a seed. */
export interface Random {
  /** A fraction in [0, 1). */
  next(): number
  /** A whole number in [0, below). */
  int(below: number): number
  /** `length` fresh random bytes. */
  bytes(length: number): Uint8Array
}
