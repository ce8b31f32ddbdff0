import { DecodeError } from '../errors.ts'
import type { BatchHeader } from './batch-header.ts'
import { batchOverhead } from './batch-layout.ts'
import { decompress } from './compression/codec.ts'
import { defaultMaxDecompressedBytes } from './record-batch-reader.ts'
import { VarintCursor } from './varint.ts'

/** Length, attributes, two deltas, two lengths, header count: no record is shorter. */
const smallestRecord = 7

/**
 * Goes over the records of batches and says of each where it stands and where its key is; an object for all of them, none per record.
 *
 *     length │ attributes │ timestampDelta │ offsetDelta │ keyLength key │ valueLength value │ headers
 *     ▲ start                              ▲ restAt                      ▲ valueLengthAt               ▲ end
 *
 * Throws a DecodeError where counts and lengths do not fit the bytes. What stands behind the value's length is not looked at.
 */
export class RecordWalk {
  /** Of the records, decompressed. */
  bytes: Uint8Array = none
  start = 0
  end = 0
  restAt = 0
  timestampDelta = 0
  offsetDelta = 0
  keyAt = 0
  /** -1: no key. */
  keyLength = -1
  valueAt = 0
  /** -1: no value, a tombstone. */
  valueLength = -1
  #cursor = new VarintCursor(none, 0, 0)
  #last = 0
  #left = 0

  /** To the first record of the batch at `header.at`, before which `next` moves. */
  begin(bytes: Uint8Array, header: BatchHeader, maxBytes: number = defaultMaxDecompressedBytes): void {
    const { at, end, compression, recordCount } = header
    if (end > bytes.length)
      throw new DecodeError(`record batch at byte ${at} ends at byte ${end}, beyond the ${bytes.length} that are there`)
    const stored = at + batchOverhead
    const isPlain = compression === 'none' || stored === end
    this.bytes = isPlain ? bytes : decompress(compression, bytes.subarray(stored, end), maxBytes)
    this.end = isPlain ? stored : 0
    this.#last = isPlain ? end : this.bytes.length
    this.#left = recordCount
    this.#cursor = new VarintCursor(this.bytes, this.end, this.#last)
    if (recordCount * smallestRecord > this.#last - this.end)
      throw new DecodeError(
        `record batch at byte ${at} says it has ${recordCount} records in ${this.#last - this.end} bytes`,
      )
  }

  /** False after the last record. */
  next(): boolean {
    if (this.#left === 0) return this.#finish()
    this.#left--
    const cursor = this.#cursor
    this.start = this.end
    cursor.at = this.start
    cursor.limit = this.#last
    const length = cursor.varint()
    const end = cursor.at + length
    if (length < smallestRecord - 1 || end > this.#last) throw this.#misfit('its length')
    this.end = end
    cursor.limit = end
    cursor.at++
    this.timestampDelta = cursor.varlong()
    this.restAt = cursor.at
    this.offsetDelta = cursor.varint()
    this.keyLength = cursor.varint()
    this.keyAt = cursor.at
    if (this.keyLength > end - cursor.at || this.keyLength < -1) throw this.#misfit("its key's length")
    if (this.keyLength > 0) cursor.at += this.keyLength
    this.valueLength = cursor.varint()
    this.valueAt = cursor.at
    if (this.valueLength > end - cursor.at || this.valueLength < -1) throw this.#misfit("its value's length")
    return true
  }

  #finish(): false {
    if (this.end !== this.#last)
      throw new DecodeError(`a record batch has ${this.#last - this.end} bytes after its last record`)
    return false
  }

  #misfit(what: string): DecodeError {
    return new DecodeError(`record at byte ${this.start} does not fit its batch by ${what}`)
  }
}

const none: Uint8Array = new Uint8Array(0)
