/**
 * The two copies that a decompressor makes, four bytes a step. A step may write up to three bytes past the end of the copy, which what
 * comes after writes over, so near the end of the output they go byte by byte; long copies are the engine's. Callers have checked that
 * all of it lies within bounds.
 */
export class CopyTarget {
  readonly bytes: Uint8Array
  readonly #view: DataView
  readonly #lastStep: number

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#lastStep = bytes.length - 3
  }

  literals(from: Uint8Array, fromView: DataView, fromAt: number, at: number, length: number): void {
    const end = at + length
    if (length > longCopy) this.bytes.set(from.subarray(fromAt, fromAt + length), at)
    else if (end <= this.#lastStep && fromAt + length + 3 <= from.length) {
      for (let back = at - fromAt, i = at; i < end; i += 4)
        this.#view.setInt32(i, fromView.getInt32(i - back, true), true)
    } else for (let i = 0; i < length; i++) this.bytes[at + i] = from[fromAt + i]!
  }

  /** Repeats what stands `back` bytes before; where that is less than `length`, what was just written is repeated too. */
  match(at: number, back: number, length: number): void {
    const end = at + length
    if (length > longCopy) this.#longMatch(at, back, length)
    else if (back >= 4 && end <= this.#lastStep) {
      for (let i = at; i < end; i += 4) this.#view.setInt32(i, this.#view.getInt32(i - back, true), true)
    } else for (let i = at; i < end; i++) this.bytes[i] = this.bytes[i - back]!
  }

  /** Each round doubles what can be copied at once. */
  #longMatch(at: number, back: number, length: number): void {
    let done = Math.min(back, length)
    this.bytes.copyWithin(at, at - back, at - back + done)
    while (done < length) {
      const more = Math.min(done, length - done)
      this.bytes.copyWithin(at + done, at, at + more)
      done += more
    }
  }
}

const longCopy = 128
