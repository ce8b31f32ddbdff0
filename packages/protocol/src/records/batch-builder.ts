import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { UsageError } from '../errors.ts'
import { batchOverhead, type Codec } from './batch-layout.ts'
import { type BatchFields, sealBatch } from './batch-seal.ts'
import { compress } from './compression/codec.ts'
import { type BytesInput, type HeaderInput, type RecordInput, recordSizeBound } from './record-input.ts'
import { sizeOfVarint, sizeOfVarlong, writeVarint, writeVarlong } from './varint.ts'

export interface BuildOptions
  extends Pick<
    BatchFields,
    'producerId' | 'producerEpoch' | 'baseSequence' | 'transactional' | 'baseOffset' | 'leaderEpoch'
  > {
  readonly compression?: Codec | undefined
}

/**
 * A batch that grows record by record in one buffer, with room for the header in front. A record is written once, in its final form:
 * its length is foretold as if all text were ASCII, and moved only where that was wrong by enough to matter.
 *
 * `reset` makes it empty and keeps the buffer, so that builders can be pooled.
 */
export class BatchBuilder {
  #bytes: Buffer
  #end: number = batchOverhead
  #count = 0
  #baseTimestamp = 0
  #maxTimestamp = 0

  constructor(initialBytes: number = 16 * 1024) {
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(initialBytes, batchOverhead))
  }

  get recordCount(): number {
    return this.#count
  }

  /** Of the batch as it stands, header included, before compression. */
  get sizeInBytes(): number {
    return this.#end
  }

  get maxTimestamp(): number {
    return this.#maxTimestamp
  }

  /** What the builder holds in memory, used or not. */
  get capacity(): number {
    return this.#bytes.length
  }

  /** Returns the record's offset delta: how many stand before it. A record that cannot be written leaves the batch as it was. */
  append(record: RecordInput, timestamp: number): number {
    if (!Number.isSafeInteger(timestamp))
      throw new UsageError(`the timestamp of a record is ${timestamp}; give milliseconds since 1970 as an integer`)
    const index = this.#count
    if (index === 0) this.#baseTimestamp = this.#maxTimestamp = timestamp
    const delta = timestamp - this.#baseTimestamp
    this.#reserve(recordSizeBound(record))

    const { key, value, headers } = record
    const foretold =
      1 + sizeOfVarlong(delta) + sizeOfVarint(index) + asciiSize(key) + asciiSize(value) + asciiSizeOfHeaders(headers)
    const start = this.#end
    const bodyAt = start + sizeOfVarint(foretold)
    const bytes = this.#bytes
    bytes[bodyAt] = 0
    let at = writeVarlong(bytes, bodyAt + 1, delta)
    at = writeVarint(bytes, at, index)
    at = writePart(bytes, at, key)
    at = writePart(bytes, at, value)
    if (headers === undefined || headers.length === 0) bytes[at++] = 0
    else at = writeHeaders(bytes, at, headers)
    const length = at - bodyAt
    if (length !== foretold) at = moveBody(bytes, bodyAt, at, start + sizeOfVarint(length))
    writeVarint(bytes, start, length)

    this.#end = at
    if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp
    return this.#count++
  }

  /**
   * The batch so far. Without compression this is a view of the builder's own buffer: done with it before the next `append` or
   * `reset`, or copy it.
   */
  build(options: BuildOptions = {}): Uint8Array {
    assert(this.#count > 0, 'a batch has at least one record')
    const { compression = 'none', ...fields } = options
    const sealed = {
      ...fields,
      compression,
      recordCount: this.#count,
      baseTimestamp: this.#baseTimestamp,
      maxTimestamp: this.#maxTimestamp,
    }
    const plain = new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset, this.#end)
    if (compression === 'none') return sealBatch(plain, sealed)
    const packed = compress(compression, plain.subarray(batchOverhead))
    const bytes = new Uint8Array(batchOverhead + packed.length)
    bytes.set(packed, batchOverhead)
    return sealBatch(bytes, sealed)
  }

  reset(): void {
    this.#end = batchOverhead
    this.#count = 0
    this.#baseTimestamp = this.#maxTimestamp = 0
  }

  #reserve(more: number): void {
    const needed = this.#end + more
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2))
    grown.set(this.#bytes.subarray(0, this.#end))
    this.#bytes = grown
  }
}

/** Size of a key or value with its length, were every character one byte. */
function asciiSize(part: BytesInput): number {
  if (part === null || part === undefined) return 1
  return sizeOfVarint(part.length) + part.length
}

function asciiSizeOfHeaders(headers: readonly HeaderInput[] | undefined): number {
  if (headers === undefined) return 1
  let size = sizeOfVarint(headers.length)
  for (const [name, value] of headers) size += asciiSize(name) + asciiSize(value)
  return size
}

function writeHeaders(bytes: Buffer, start: number, headers: readonly HeaderInput[]): number {
  let at = writeVarint(bytes, start, headers.length)
  for (const [name, value] of headers) {
    at = writePart(bytes, at, name)
    at = writePart(bytes, at, value)
  }
  return at
}

function writePart(bytes: Buffer, at: number, part: BytesInput): number {
  if (part === null || part === undefined) {
    bytes[at] = 1
    return at + 1
  }
  if (typeof part === 'string') return part.length <= 32 ? writeShortText(bytes, at, part) : writeText(bytes, at, part)
  const start = writeVarint(bytes, at, part.length)
  // A call into the engine costs more than copying a few bytes.
  if (part.length < 24) for (let i = 0; i < part.length; i++) bytes[start + i] = part[i]!
  else bytes.set(part, start)
  return start + part.length
}

function writeShortText(bytes: Buffer, at: number, text: string): number {
  const { length } = text
  bytes[at] = length << 1
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0x7f) return writeText(bytes, at, text)
    bytes[at + 1 + i] = unit
  }
  return at + 1 + length
}

function writeText(bytes: Buffer, at: number, text: string): number {
  const start = at + sizeOfVarint(text.length)
  const length = bytes.write(text, start, 'utf8')
  const end = moveBody(bytes, start, start + length, at + sizeOfVarint(length))
  writeVarint(bytes, at, length)
  return end
}

/** Moves what was written behind a length that turned out larger than foretold; returns its new end. */
function moveBody(bytes: Buffer, from: number, to: number, target: number): number {
  if (target !== from) bytes.copyWithin(target, from, to)
  return target + to - from
}
