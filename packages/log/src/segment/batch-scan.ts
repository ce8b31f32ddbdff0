/**
 * Goes through a segment batch by batch, reading a piece at a time and checking every byte, until its end or the first bytes that are
 * no batch as it was written.
 */
import { type BatchHeader, readBatch } from '@odradek/protocol/records'
import type { DiskFile } from '@odradek/world'
import { checkBatch, type SegmentLimit, type SegmentPlace } from './batch-check.ts'
import { batchOverhead, looksLikeBatch } from './batch-fields.ts'

export interface ScanEnd extends SegmentPlace {
  /** Why it went no further: the bytes at `position` are no batch. Undefined at the end, or when the visitor had seen enough. */
  damage: string | undefined
}

/** All that a scan needs of a file. */
export type ReadableFile = Pick<DiskFile, 'path' | 'size' | 'read'>

/** Sees each batch with the bytes it stands in. False: it has seen enough, and this batch does not count. */
export type VisitBatch = (header: BatchHeader, bytes: Uint8Array, position: number) => boolean | undefined

const pieceSize = 1024 * 1024
const longestUnasked = 16 * pieceSize

export const noLimit: SegmentPlace = { position: Number.POSITIVE_INFINITY, nextOffset: Number.POSITIVE_INFINITY }

/** From one place up to another at most. */
export async function scanBatches(
  file: ReadableFile,
  start: SegmentPlace,
  limit: SegmentLimit,
  visit: VisitBatch,
): Promise<ScanEnd> {
  const scan = new Scan(file, start, limit, visit)
  await scan.run()
  return { ...scan.place, damage: scan.damage }
}

class Scan {
  readonly place: SegmentPlace
  damage: string | undefined
  readonly #file: ReadableFile
  readonly #limit: SegmentLimit
  readonly #visit: VisitBatch
  #hasEnded = false
  /** Bytes to read next. */
  #wanted = pieceSize

  constructor(file: ReadableFile, { position, nextOffset }: SegmentPlace, limit: SegmentLimit, visit: VisitBatch) {
    this.#file = file
    this.place = { position, nextOffset }
    this.#limit = { ...limit, position: Math.min(file.size, limit.position) }
    this.#visit = visit
  }

  async run(): Promise<void> {
    const end = this.#limit.position
    while (this.place.position < end && !this.#hasEnded) {
      const { position } = this.place
      const length = Math.min(this.#wanted, end - position)
      const bytes = await this.#file.read(position, length)
      if (bytes.length === 0) return this.#stop(`the file ends before byte ${end}`)
      if (bytes.length < length) this.#limit.position = position + bytes.length
      this.#wanted = pieceSize
      this.#scanPiece(bytes)
      if (this.#wanted > longestUnasked) await this.#checkLength()
    }
  }

  /** Over the batches that are whole in this piece; when not even one is, the next piece is larger. */
  #scanPiece(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && !this.#hasEnded; ) {
      const verdict = checkBatch(bytes, at, this.place, this.#limit)
      if (typeof verdict === 'string') {
        this.#stop(verdict)
        return
      }
      if (verdict > 0) {
        this.#wanted = Math.max(pieceSize, verdict)
        return
      }
      at = this.#visitBatch(readBatch(bytes, at), bytes)
    }
  }

  #visitBatch(header: BatchHeader, bytes: Uint8Array): number {
    this.#hasEnded = this.#visit(header, bytes, this.place.position) === false
    if (this.#hasEnded) return header.at
    this.place.position += header.sizeInBytes
    this.place.nextOffset = header.lastOffset + 1
    return header.end
  }

  /** A length that was harmed is not read, when it is long and no batch follows it. */
  async #checkLength(): Promise<void> {
    const next = this.place.position + this.#wanted
    const header = await this.#file.read(next, Math.min(batchOverhead, Math.max(0, this.#limit.position - next)))
    if (header.length > 0 && !(header.length === batchOverhead && looksLikeBatch(header, 0, this.place.nextOffset)))
      this.#stop(`a batch of ${this.#wanted} bytes is followed by none`)
  }

  #stop(damage: string): void {
    this.damage = damage
    this.#hasEnded = true
  }
}
