import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs'

const bufferLength = 64 * 1024

/** A file that is written from its beginning to its end, then read. Its name goes at once: it goes with the process. */
export class RunFile {
  readonly file: number
  readonly #buffer = Buffer.allocUnsafeSlow(bufferLength)
  #buffered = 0
  #written = 0

  constructor(path: string) {
    this.file = openSync(path, 'w+')
    unlinkSync(path)
  }

  /** Of what has been flushed. */
  get length(): number {
    return this.#written
  }

  append(bytes: Uint8Array): void {
    if (this.#buffered + bytes.length > bufferLength) this.flush()
    if (bytes.length > bufferLength) this.#write(bytes)
    else {
      this.#buffer.set(bytes, this.#buffered)
      this.#buffered += bytes.length
    }
  }

  flush(): void {
    const buffered = this.#buffer.subarray(0, this.#buffered)
    this.#buffered = 0
    this.#write(buffered)
  }

  close(): void {
    closeSync(this.file)
  }

  #write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.file, bytes, at, bytes.length - at)
    this.#written += bytes.length
  }
}
