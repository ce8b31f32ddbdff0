/** The few types that user data of assignors is made of: big-endian int32, strings with an int16 length. */

const utf8 = new TextEncoder()
const text = new TextDecoder()

export class BytesWriter {
  #bytes = new Uint8Array(64)
  #at = 0

  int32(value: number): void {
    const view = this.#room(4)
    view.setInt32(this.#at, value)
    this.#at += 4
  }

  string(value: string): void {
    const bytes = utf8.encode(value)
    const view = this.#room(2 + bytes.length)
    view.setInt16(this.#at, bytes.length)
    this.#bytes.set(bytes, this.#at + 2)
    this.#at += 2 + bytes.length
  }

  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#at)
  }

  #room(length: number): DataView {
    if (this.#at + length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + length))
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    return new DataView(this.#bytes.buffer)
  }
}

/** Never throws and never reads past the end: once something did not fit it says `failed`, and answers zeroes. */
export class BytesReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0
  #failed = false

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get failed(): boolean {
    return this.#failed
  }

  get remaining(): number {
    return this.#failed ? 0 : this.#bytes.length - this.#at
  }

  int32(): number {
    return this.#take(4) ? this.#view.getInt32(this.#at - 4) : 0
  }

  string(): string {
    const length = this.#take(2) ? this.#view.getInt16(this.#at - 2) : 0
    return this.#take(length) ? text.decode(this.#bytes.subarray(this.#at - length, this.#at)) : ''
  }

  /** Of an array whose items take at least `itemBytes` each. */
  length(itemBytes: number): number {
    const length = this.int32()
    if (length >= 0 && length * itemBytes <= this.remaining) return length
    this.#failed = true
    return 0
  }

  #take(length: number): boolean {
    if (length < 0 || length > this.remaining) this.#failed = true
    if (this.#failed) return false
    this.#at += length
    return true
  }
}
