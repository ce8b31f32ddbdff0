import { DecodeError } from '../errors.ts'
import { type BatchHeader, readBatch } from './batch-header.ts'
import { batchOverhead } from './batch-layout.ts'
import { decompress } from './compression/codec.ts'
import { LazyRecord } from './lazy-record.ts'
import { VarintCursor } from './varint.ts'

/** A batch may not decompress to more than this unless the caller allows it. */
export const defaultMaxDecompressedBytes: number = 64 * 1024 * 1024

/** Length, attributes, two deltas, two lengths, header count: no record is shorter. */
const smallestRecord = 7

/** The records of the batch at `at`, in order, each parsed when it is looked at. */
export function decodeRecords(
  bytes: Uint8Array,
  at = 0,
  maxBytes: number = defaultMaxDecompressedBytes,
): RecordBatchReader {
  return new RecordBatchReader(bytes, readBatch(bytes, at), maxBytes)
}

/**
 * The records of one batch, decompressed if need be. Going from record to record reads nothing but their lengths; each comes as a
 * LazyRecord, the one object it costs. Can be gone through any number of times.
 *
 * Throws a DecodeError when the batch is cut off, when it decompresses to more than allowed, and, while going through it, when its
 * count and lengths do not fill its bytes exactly. Does not look at the checksum.
 */
export class RecordBatchReader implements Iterable<LazyRecord> {
  readonly header: BatchHeader
  readonly baseOffset: number
  readonly baseTimestamp: number
  readonly lastOffsetDelta: number
  /** Every record's timestamp where the broker set it, else null. */
  readonly appendTime: number | null
  /** Shared by the records as they parse; holds the decompressed bytes. */
  readonly cursor: VarintCursor
  readonly #recordsAt: number
  readonly #recordsEnd: number

  constructor(bytes: Uint8Array, header: BatchHeader, maxBytes: number = defaultMaxDecompressedBytes) {
    if (header.end > bytes.length)
      throw new DecodeError(
        `record batch at byte ${header.at} ends at byte ${header.end}, beyond the ${bytes.length} that are there`,
      )
    this.header = header
    this.baseOffset = header.baseOffset
    this.baseTimestamp = header.baseTimestamp
    this.lastOffsetDelta = header.lastOffsetDelta
    this.appendTime = header.timestampType === 'LogAppendTime' ? header.maxTimestamp : null
    const codec = header.compression
    const stored = header.at + batchOverhead
    // An emptied batch keeps its compression bits but has nothing compressed in it.
    const isPlain = codec === 'none' || stored === header.end
    const records = isPlain ? bytes : decompress(codec, bytes.subarray(stored, header.end), maxBytes)
    this.#recordsAt = isPlain ? stored : 0
    this.#recordsEnd = isPlain ? header.end : records.length
    this.cursor = new VarintCursor(records, this.#recordsAt, this.#recordsEnd)
    const size = this.#recordsEnd - this.#recordsAt
    if (header.recordCount * smallestRecord > size)
      throw new DecodeError(
        `record batch at byte ${header.at} says it has ${header.recordCount} records in ${size} bytes`,
      )
  }

  [Symbol.iterator](): IterableIterator<LazyRecord> {
    return new RecordIterator(this, this.#recordsAt, this.#recordsEnd)
  }

  /** The records at `offset` and after it: a fetch answers with the whole batch that holds the offset asked for. */
  *from(offset: number): Generator<LazyRecord, void, undefined> {
    for (const record of this) if (record.offset >= offset) yield record
  }

  /** Looks at every part of every record; for bytes that shall be stored without being read. */
  check(): void {
    for (const record of this) void record.headers
  }
}

class RecordIterator implements IterableIterator<LazyRecord> {
  readonly #batch: RecordBatchReader
  readonly #end: number
  #at: number
  #left: number

  constructor(batch: RecordBatchReader, at: number, end: number) {
    this.#batch = batch
    this.#at = at
    this.#end = end
    this.#left = batch.header.recordCount
  }

  [Symbol.iterator](): this {
    return this
  }

  next(): IteratorResult<LazyRecord, undefined> {
    if (this.#left === 0) return this.#finish()
    this.#left--
    const cursor = this.#batch.cursor
    cursor.at = this.#at
    cursor.limit = this.#end
    const length = cursor.varint()
    const start = cursor.at
    const end = start + length
    if (length < smallestRecord - 1 || end > this.#end)
      throw new DecodeError(
        `record at byte ${this.#at} says it is ${length} bytes long where ${this.#end - start} are left`,
      )
    this.#at = end
    return { done: false, value: new LazyRecord(this.#batch, start, end) }
  }

  #finish(): IteratorResult<LazyRecord, undefined> {
    if (this.#at !== this.#end)
      throw new DecodeError(
        `record batch at offset ${this.#batch.baseOffset} has ${this.#end - this.#at} bytes after its last record`,
      )
    return { done: true, value: undefined }
  }
}
