import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs'

const bufferLength = 64 * 1024

/** A file that is written from its beginning to its end, then read. Its name goes at once: it goes with the process. */
export class RunFile {
  readonly #file: number
  #buffer = Buffer.allocUnsafeSlow(bufferLength)
  #buffered = 0
  #written = 0

  constructor(path: string) {
    this.#file = openSync(path, 'w+')
    unlinkSync(path)
  }

  /** Of what was appended before it ended. */
  get length(): number {
    return this.#written
  }

  append(bytes: Buffer, from: number, to: number): void {
    if (this.#buffered + to - from > this.#buffer.length) this.#flush()
    if (to - from > this.#buffer.length) this.#write(bytes.subarray(from, to))
    else this.#buffered += bytes.copy(this.#buffer, this.#buffered, from, to)
  }

  /** From now on it is read. */
  end(): void {
    this.#flush()
    this.#buffer = Buffer.alloc(0)
  }

  /** As much as there is and there is room for. */
  read(into: Uint8Array, from: number): number {
    let length = 0
    while (length < into.length && from + length < this.#written) {
      const read = readSync(this.#file, into, length, into.length - length, from + length)
      if (read === 0) throw new Error(`A file of ${this.#written} bytes ends after ${from + length}`)
      length += read
    }
    return length
  }

  close(): void {
    closeSync(this.#file)
  }

  #flush(): void {
    this.#write(this.#buffer.subarray(0, this.#buffered))
    this.#buffered = 0
  }

  #write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at, bytes.length - at)
    this.#written += bytes.length
  }
}
