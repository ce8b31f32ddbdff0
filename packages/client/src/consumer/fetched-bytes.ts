/**
 * What one fetch brought of one partition: record batches, read once from front to back.
 *
 * - A fetch answers with whole batches: records below the position are passed over.
 * - Control batches (transaction markers) take offsets but are nobody's records.
 * - With read_committed the broker lists the aborted transactions that overlap. A transaction is dropped from its first offset up to
 *   its abort marker; producers interleave, so this goes by producer id.
 * - The last batch may be cut off; it is fetched again.
 */
import {
  type BatchHeader,
  decodeControlBatch,
  decodeRecords,
  eachBatch,
  hasValidCrc,
  type LazyRecord,
} from '@odradek/protocol'
import { DamagedRecordsError } from './damaged-records.ts'

export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: number
}

export interface FetchedBytesOptions {
  readonly topic: string
  readonly partition: number
  /** Null: hand out aborted records like others. */
  readonly aborted: readonly AbortedTransaction[] | null
  readonly checkCrcs: boolean
}

export class FetchedBytes {
  readonly size: number
  /** Offset after the last whole batch; `from` when there is none. */
  readonly endOffset: number
  /** Leader epoch of the last whole batch, -1 when there is none. */
  readonly endEpoch: number
  readonly #bytes: Uint8Array
  readonly #options: FetchedBytesOptions
  readonly #batches: BatchHeader[]
  readonly #aborted: AbortedTransaction[]
  readonly #abortedProducers = new Set<bigint>()
  #nextBatch = 0
  #batch: BatchHeader | undefined
  #records: Iterator<LazyRecord> | undefined
  #nextOffset: number
  #leaderEpoch = -1

  constructor(bytes: Uint8Array, from: number, options: FetchedBytesOptions) {
    this.#bytes = bytes
    this.#options = options
    this.#batches = [...eachBatch(bytes)]
    this.#aborted = (options.aborted ?? []).toSorted((a, b) => a.firstOffset - b.firstOffset)
    this.#nextOffset = from
    const last = this.#batches.at(-1)
    this.size = bytes.length
    this.endOffset = last ? Math.max(from, last.lastOffset + 1) : from
    this.endEpoch = last?.partitionLeaderEpoch ?? -1
  }

  /** Offset after what has been taken and passed over. */
  get nextOffset(): number {
    return this.#nextOffset
  }

  /** Of the batch that was taken from or passed over last, -1 before. */
  get leaderEpoch(): number {
    return this.#leaderEpoch
  }

  get isExhausted(): boolean {
    return this.#records === undefined && this.#nextBatch === this.#batches.length
  }

  /** Appends up to `max` records of one leader epoch to `into`, and goes on over what nobody sees until the next record or the end. */
  take(max: number, into: LazyRecord[]): number {
    let taken = 0
    for (;;) {
      if (this.#records === undefined && !this.#openNextBatch()) return taken
      const isOtherEpoch = taken > 0 && this.#batch!.partitionLeaderEpoch !== this.#leaderEpoch
      if (taken === max || isOtherEpoch) return taken
      taken += this.#takeFromBatch(max - taken, into)
    }
  }

  #takeFromBatch(max: number, into: LazyRecord[]): number {
    const from = this.#nextOffset
    const records = this.#records!
    for (let taken = 0; taken < max; ) {
      const { done, value } = records.next()
      if (done) {
        this.#closeBatch()
        return taken
      }
      // Only the first batch can begin before the position; later ones have nothing to compare.
      if (this.#batch!.baseOffset < from && value.offset < from) continue
      into.push(value)
      taken++
      if (taken === max) this.#nextOffset = value.offset + 1
    }
    this.#leaderEpoch = this.#batch!.partitionLeaderEpoch
    if (this.#nextOffset > this.#batch!.lastOffset) this.#closeBatch()
    return max
  }

  #closeBatch(): void {
    this.#nextOffset = Math.max(this.#nextOffset, this.#batch!.lastOffset + 1)
    this.#leaderEpoch = this.#batch!.partitionLeaderEpoch
    this.#records = undefined
  }

  /** Stops at the next batch with records to hand out; false when there is none. */
  #openNextBatch(): boolean {
    while (this.#nextBatch < this.#batches.length) {
      const batch = this.#batches[this.#nextBatch++]!
      if (batch.lastOffset < this.#nextOffset) continue
      this.#check(batch)
      this.#batch = batch
      if (batch.recordCount > 0 && !this.#isHidden(batch)) {
        this.#records = decodeRecords(this.#bytes, batch.at)[Symbol.iterator]()
        return true
      }
      this.#closeBatch()
    }
    return false
  }

  #isHidden(batch: BatchHeader): boolean {
    if (this.#options.aborted !== null) this.#noteAborts(batch)
    return batch.isControl || (batch.isTransactional && this.#abortedProducers.has(batch.producerId))
  }

  #noteAborts(batch: BatchHeader): void {
    while (this.#aborted.length > 0 && this.#aborted[0]!.firstOffset <= batch.lastOffset) {
      this.#abortedProducers.add(this.#aborted.shift()!.producerId)
    }
    if (!batch.isControl || !this.#abortedProducers.has(batch.producerId)) return
    if (decodeControlBatch(this.#bytes, batch.at).type === 'abort') this.#abortedProducers.delete(batch.producerId)
  }

  #check(batch: BatchHeader): void {
    const { checkCrcs, topic, partition } = this.#options
    if (!checkCrcs || hasValidCrc(this.#bytes, batch.at)) return
    const at = { topic, partition, offset: batch.baseOffset, resumeAt: batch.lastOffset + 1 }
    throw new DamagedRecordsError(
      at,
      "its batch does not match its checksum, so it was damaged on the broker's disk or under way",
    )
  }
}
