import { DecodeError } from './errors.ts'

/**
 * Cuts a byte stream into frames: each is a length (int32), then as many bytes.
 *
 * A frame that arrived within one chunk is a view of it; chunks that share a frame are kept as they came and joined once, when it is
 * complete. Memory therefore grows with what was received, never with what a length claims.
 */
export class FrameSplitter {
  readonly #maxBytes: number
  #parts: Uint8Array[] = []
  #buffered = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Bytes held back because their frame is not complete. */
  get buffered(): number {
    return this.#buffered
  }

  /** Bytes until the frame that is not complete is; until its length is, while that is not known. */
  get missing(): number {
    return this.#buffered === 0 ? 0 : this.#wanted() - this.#buffered
  }

  /** The frames, without their lengths, that this chunk completes. Throws DecodeError when a length cannot be true. */
  push(chunk: Uint8Array): Uint8Array[] {
    let rest = chunk
    const frames: Uint8Array[] = []
    if (this.#buffered > 0) {
      this.#parts.push(chunk)
      this.#buffered += chunk.length
      const wanted = this.#wanted()
      if (this.#buffered < wanted) return frames
      rest = this.#joined()
    }
    let at = 0
    while (rest.length - at >= 4) {
      const end = at + 4 + this.#lengthAt(rest, at)
      if (end > rest.length) break
      frames.push(rest.subarray(at + 4, end))
      at = end
    }
    if (at < rest.length) this.#keep(at === 0 ? rest : rest.subarray(at))
    return frames
  }

  #keep(rest: Uint8Array): void {
    this.#parts = [rest]
    this.#buffered = rest.length
  }

  #joined(): Uint8Array {
    const whole = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts, this.#buffered)
    this.#parts = []
    this.#buffered = 0
    return whole
  }

  /** How many buffered bytes make the first frame complete; 4 while its length is not known. */
  #wanted(): number {
    if (this.#buffered < 4) return 4
    if (this.#parts[0]!.length < 4) this.#parts = [Buffer.concat(this.#parts)]
    return 4 + this.#lengthAt(this.#parts[0]!, 0)
  }

  #lengthAt(bytes: Uint8Array, at: number): number {
    const length = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
    if (length < 0 || length > this.#maxBytes) {
      throw new DecodeError(`frame length ${length} is not between 0 and ${this.#maxBytes}`, {
        message: 'Frame',
        position: 0,
      })
    }
    return length
  }
}
