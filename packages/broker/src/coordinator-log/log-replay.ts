import { Buffer } from 'node:buffer'
import type { ProducerInfo } from '@odradek/log'
import {
  type BatchHeader,
  DecodeError,
  decodeControlBatch,
  eachBatch,
  hasValidCrc,
  RecordWalk,
  readBatch,
} from '@odradek/protocol'
import type { Image, Outcome, RecordKind } from './record-kind.ts'

/** Where the last record of a key stands. */
interface LastRecord {
  bytes: Uint8Array
  offset: number
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
 *
 *     D₁ K D₂ C₁ A₂ D₃      D: batches of a transaction are put aside until its marker.  C: then they count from where they stand.
 *                           A: they never did.  Those of a transaction that is still open (3) are held by the image.
 */
export class LogReplay<R> {
  /** Batches and records that are not what was written. */
  damaged = 0
  readonly #kind: RecordKind<R>
  readonly #image: Image<R>
  readonly #mode: 'last' | 'all'
  readonly #walk = new RecordWalk()
  /** By the key's bytes as text. */
  readonly #last = new Map<string, LastRecord>()
  /** Batches of transactions whose marker has not come, by producer. */
  readonly #aside = new Map<bigint, Uint8Array[]>()
  /** Producers of whose open transactions the image holds something. */
  readonly #held = new Set<bigint>()
  /** Producers with a transaction open where something is missing from the log: it may have been their marker. */
  readonly #doubtful = new Set<bigint>()

  constructor(kind: RecordKind<R>, image: Image<R>, mode: 'last' | 'all') {
    this.#kind = kind
    this.#image = image
    this.#mode = mode
  }

  /** Whole batches. Returns the offset after the last one; null when there was none. */
  add(chunks: readonly Uint8Array[]): number | null {
    let next: number | null = null
    for (const chunk of chunks) {
      for (const batch of eachBatch(chunk)) {
        next = batch.baseOffset + batch.lastOffsetDelta + 1
        this.#attempt(() => {
          if (!hasValidCrc(chunk, batch.at)) throw new DecodeError(`the batch at offset ${batch.baseOffset} is damaged`)
          this.#take(chunk, batch)
        })
      }
    }
    if (this.#last.size > keysAtOnce) this.#flush()
    return next
  }

  /** So many batches or records could not be read; they are not added. */
  passOver(count: number): void {
    this.damaged += count
    for (const producerId of [...this.#aside.keys(), ...this.#held]) this.#doubtful.add(producerId)
  }

  /** Applies what was noted. A transaction that is open for us, but not for the log (`producers`), has lost its marker: it is given up. */
  finish(producers: readonly ProducerInfo[]): void {
    const starts = new Map(producers.map(({ producerId, currentTransactionStart: start }) => [producerId, start]))
    for (const [producerId, batches] of this.#aside) {
      const start = starts.get(producerId) ?? -1
      const kept = start < 0 ? [] : batches.filter(batch => readBatch(batch).baseOffset >= start)
      this.damaged += batches.length - kept.length
      this.#aside.set(producerId, kept)
    }
    for (const producerId of this.#held)
      if ((starts.get(producerId) ?? -1) < 0) this.#image.release?.(producerId, 'abort')
    this.#flush()
  }

  #take(bytes: Uint8Array, batch: BatchHeader): void {
    const { producerId, at, end } = batch
    if (batch.recordCount === 0) return
    if (batch.isControl) {
      const { type } = decodeControlBatch(bytes, at)
      if (type === 'commit' || type === 'abort') this.#end(producerId, type)
    } else if (batch.isTransactional) {
      if (this.#doubtful.has(producerId)) this.#giveUp(producerId)
      const aside = this.#aside.get(producerId)
      // A copy, so as not to keep the whole chunk for as long as the transaction is open.
      const copy = bytes.slice(at, end)
      if (aside) aside.push(copy)
      else this.#aside.set(producerId, [copy])
    } else this.#note(bytes, batch)
  }

  /**
   * Nobody knows whether what is put aside belongs to the same transaction as what follows. Rather an earlier offset than one of a
   * transaction that may have been aborted.
   */
  #giveUp(producerId: bigint): void {
    this.damaged += this.#aside.get(producerId)?.length ?? 0
    this.#end(producerId, 'abort')
  }

  #end(producerId: bigint, outcome: Outcome): void {
    this.#doubtful.delete(producerId)
    if (this.#held.delete(producerId)) this.#image.release?.(producerId, outcome)
    const batches = this.#aside.get(producerId)
    if (batches === undefined) return
    this.#aside.delete(producerId)
    if (outcome === 'commit') for (const batch of batches) this.#note(batch, readBatch(batch))
  }

  #note(bytes: Uint8Array, batch: BatchHeader): void {
    this.#walk.begin(bytes, batch)
    if (this.#mode === 'last') this.#noteKeys(batch.baseOffset)
    else this.#each(batch.baseOffset, (record, offset) => this.#image.apply(record, offset))
  }

  /** What was put aside comes first: then the image knows what a tombstone that stands after it forgets. */
  #flush(): void {
    for (const [producerId, batches] of this.#aside) {
      if (batches.length > 0) this.#held.add(producerId)
      for (const batch of batches) this.#attempt(() => this.#hold(batch, producerId))
    }
    this.#aside.clear()
    for (const { bytes, offset, keyAt, keyLength, valueAt, valueLength } of this.#last.values()) {
      const value = valueLength === -1 ? null : bytes.subarray(valueAt, valueAt + valueLength)
      const record = this.#decoded(bytes.subarray(keyAt, keyAt + keyLength), value)
      if (record !== null) this.#image.apply(record, offset)
    }
    this.#last.clear()
  }

  #hold(bytes: Uint8Array, producerId: bigint): void {
    const batch = readBatch(bytes)
    this.#walk.begin(bytes, batch)
    this.#each(batch.baseOffset, (record, offset) => this.#image.hold?.(record, offset, producerId))
  }

  #each(baseOffset: number, take: (record: R, offset: number) => void): void {
    const walk = this.#walk
    while (walk.next()) {
      const { bytes, keyAt, keyLength, valueAt, valueLength } = walk
      if (keyLength === -1) continue
      const value = valueLength === -1 ? null : bytes.subarray(valueAt, valueAt + valueLength)
      const record = this.#decoded(bytes.subarray(keyAt, keyAt + keyLength), value)
      if (record !== null) take(record, baseOffset + walk.offsetDelta)
    }
  }

  #noteKeys(baseOffset: number): void {
    const walk = this.#walk
    const { bytes } = walk
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    while (walk.next()) {
      const { keyAt, keyLength, valueAt, valueLength } = walk
      if (keyLength === -1) continue
      const offset = baseOffset + walk.offsetDelta
      const key = text.toString('latin1', keyAt, keyAt + keyLength)
      const known = this.#last.get(key)
      if (known === undefined) this.#last.set(key, { bytes, offset, keyAt, keyLength, valueAt, valueLength })
      else if (known.offset < offset) {
        known.bytes = bytes
        known.offset = offset
        known.keyAt = keyAt
        known.valueAt = valueAt
        known.valueLength = valueLength
      }
    }
  }

  #decoded(key: Uint8Array, value: Uint8Array | null): R | null {
    try {
      return this.#kind.decode(key, value)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.damaged++
      return null
    }
  }

  /** A batch that cannot be read is one that is missing. */
  #attempt(step: () => void): void {
    try {
      step()
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.passOver(1)
    }
  }
}
