/**
 * Room for the bytes a pass reads or writes at a time, the same for all of them; so few that copying them takes the system a tenth of a
 * millisecond.
 *
 * A thread that allocates each piece anew makes the collector mark its whole heap every few dozen pieces, with helper threads on the
 * very cores that everybody else in the process waits for.
 */
export const pieceSize = 256 * 1024

export class PieceBuffer {
  #bytes = new Uint8Array(pieceSize)
  #taken = 0

  /** All of it, and at least `size` bytes. Nothing that was in it before is of use any more. */
  whole(size: number): Uint8Array {
    if (size > this.#bytes.length) this.#bytes = new Uint8Array(size)
    return this.#bytes
  }

  /** The next `size` bytes; of their own when there is no room for them. */
  readonly take = (size: number): Uint8Array => {
    const from = this.#taken
    if (from + size > this.#bytes.length) return new Uint8Array(size)
    this.#taken += size
    return this.#bytes.subarray(from, this.#taken)
  }

  /** Nothing that was taken is of use any more. */
  takeBack(): void {
    this.#taken = 0
  }
}
