/**
 * The bytes of a file in memory: pages of 64 KiB, allocated as the file grows. A file shorter than one page takes about what it holds.
 *
 *     page 0          page 1          page 2
 *     [ 65536 bytes ] [ 65536 bytes ] [ 1 … 65536 bytes │ room ]
 *                                                       └ size
 *
 * Bytes between an old end and a later write beyond it are zeroes, as in a sparse file.
 */
const pageBytes = 64 * 1024
const smallestPageBytes = 256

export class Pages {
  #pages: Uint8Array[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  /** A copy, so that what was read stays what it was. */
  read(position: number, length: number): Uint8Array {
    const end = Math.min(this.#size, position + length)
    const bytes = new Uint8Array(Math.max(0, end - position))
    for (let at = position; at < end; ) {
      const page = this.#pages[Math.floor(at / pageBytes)]!
      const from = at % pageBytes
      const count = Math.min(end - at, pageBytes - from)
      bytes.set(page.subarray(from, from + count), at - position)
      at += count
    }
    return bytes
  }

  write(position: number, bytes: Uint8Array): void {
    const end = position + bytes.length
    if (bytes.length === 0) return
    this.#reserve(end)
    for (let at = position; at < end; ) {
      const from = at % pageBytes
      const count = Math.min(end - at, pageBytes - from)
      this.#pages[Math.floor(at / pageBytes)]!.set(bytes.subarray(at - position, at - position + count), from)
      at += count
    }
    this.#size = Math.max(this.#size, end)
  }

  truncate(size: number): void {
    if (size > this.#size) this.#reserve(size)
    else {
      this.#pages.length = Math.ceil(size / pageBytes)
      // What is cut reads as zeroes when the file grows over it again.
      this.#pages.at(-1)?.fill(0, size - (this.#pages.length - 1) * pageBytes)
    }
    this.#size = size
  }

  copy(): Pages {
    const twin = new Pages()
    twin.#pages = this.#pages.map(page => page.slice())
    twin.#size = this.#size
    return twin
  }

  /** Makes the pages of [0, end) exist; all but the last are whole. */
  #reserve(end: number): void {
    const count = Math.ceil(end / pageBytes)
    for (let i = Math.max(0, this.#pages.length - 1); i < count; i++) {
      const wanted = i < count - 1 ? pageBytes : end - i * pageBytes
      const page = this.#pages[i]
      if (page !== undefined && page.length >= wanted) continue
      const grown = new Uint8Array(Math.min(pageBytes, Math.max(smallestPageBytes, 2 ** Math.ceil(Math.log2(wanted)))))
      if (page !== undefined) grown.set(page)
      this.#pages[i] = grown
    }
  }
}
