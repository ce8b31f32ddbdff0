import { Buffer } from 'node:buffer'
import { type BatchHeader, DecodeError, eachBatch, hasValidCrc, RecordWalk } from '@odradek/protocol'
import type { GroupImage } from './group-image.ts'
import { type GroupRecord, readGroupRecord } from './group-records.ts'

/** Where the last record of a key stands. */
interface LastRecord {
  bytes: Uint8Array
  keyAt: number
  readonly keyLength: number
  valueAt: number
  /** -1: a tombstone. */
  valueLength: number
}

/** The bytes that records are remembered in are kept until they are applied. */
const keysAtOnce = 50_000

/**
 * Reads the log of a shard into its image, when the broker starts. Most records are superseded by later ones of their key: of each key
 * only the last is looked into, and the others cost a look at their key. About 200 MB/s. What cannot be read is counted and passed
 * over.
 */
export class ShardReplay {
  /** Batches and records that are not what was written. */
  damaged = 0
  readonly #image: GroupImage
  readonly #walk = new RecordWalk()
  /** By the key's bytes as text. */
  readonly #last = new Map<string, LastRecord>()

  constructor(image: GroupImage) {
    this.#image = image
  }

  /** Whole batches. Returns the offset after the last one; null when there was none. */
  add(chunks: readonly Uint8Array[]): number | null {
    let next: number | null = null
    for (const chunk of chunks) {
      for (const batch of eachBatch(chunk)) {
        next = batch.baseOffset + batch.lastOffsetDelta + 1
        if (!batch.isControl && !this.#take(chunk, batch)) this.damaged++
      }
    }
    if (this.#last.size > keysAtOnce) this.finish()
    return next
  }

  /** Applies what was noted. */
  finish(): void {
    for (const { bytes, keyAt, keyLength, valueAt, valueLength } of this.#last.values()) {
      const value = valueLength === -1 ? null : bytes.subarray(valueAt, valueAt + valueLength)
      const record = this.#decoded(bytes.subarray(keyAt, keyAt + keyLength), value)
      if (record) this.#image.apply(record)
    }
    this.#last.clear()
  }

  #decoded(key: Uint8Array, value: Uint8Array | null): GroupRecord | null {
    try {
      return readGroupRecord(key, value)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.damaged++
      return null
    }
  }

  /** False when the batch is damaged. */
  #take(chunk: Uint8Array, batch: BatchHeader & { at: number }): boolean {
    if (!hasValidCrc(chunk, batch.at)) return false
    try {
      this.#walk.begin(chunk, batch)
      this.#noteAll()
      return true
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      return false
    }
  }

  #noteAll(): void {
    const walk = this.#walk
    const { bytes } = walk
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    while (walk.next()) {
      const { keyAt, keyLength, valueAt, valueLength } = walk
      if (keyLength === -1) continue
      const key = text.toString('latin1', keyAt, keyAt + keyLength)
      const known = this.#last.get(key)
      if (known === undefined) this.#last.set(key, { bytes, keyAt, keyLength, valueAt, valueLength })
      else {
        known.bytes = bytes
        known.keyAt = keyAt
        known.valueAt = valueAt
        known.valueLength = valueLength
      }
    }
  }
}
