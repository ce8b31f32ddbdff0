/**
 * What compaction leaves of each batch. Decisions only.
 *
 *     record       stays when it is the last of its key; a tombstone only until the delete horizon of its batch
 *     aborted      goes
 *     marker       stays until no batch of its transaction is left, and then until its delete horizon
 *     batch        as it was when everything in it stays; else rewritten, with its offsets, producer and sequence; gone when empty,
 *                  except that the last one of an active producer is kept, empty, for its sequence
 *
 * A delete horizon (KIP-534) is set by the first pass that could let a tombstone or marker go, delete.retention.ms ahead: whoever began
 * to read before has that long to see it. Records at or past the end of the pass stay as they are.
 */
import { type BatchHeader, RecordWalk, type RetainedRecords, retainedBatch } from '@odradek/protocol/records'
import type { CleanedTransactions } from './cleaned-transactions.ts'
import type { KeyOffsets } from './key-offsets.ts'

export interface FilterView {
  readonly offsets: KeyOffsets
  /** The pass ends before this offset. */
  readonly end: number
  readonly transactions: CleanedTransactions
  /** Last offset of the last batch of each active producer. */
  readonly lastOffsets: ReadonlyMap<bigint, number>
  readonly now: number
  readonly deleteRetentionMs: number
  readonly maxDecompressedBytes: number
  /** For batches that are rewritten. */
  readonly take?: ((size: number) => Uint8Array) | undefined
}

export interface FilterCounts {
  recordsKept: number
  recordsDropped: number
}

/** `same`: every byte stays. */
export type Filtered = 'same' | 'gone' | Uint8Array

export class BatchFilter {
  readonly counts: FilterCounts = { recordsKept: 0, recordsDropped: 0 }
  readonly #view: FilterView
  readonly #walk = new RecordWalk()

  constructor(view: FilterView) {
    this.#view = view
  }

  filter(bytes: Uint8Array, batch: BatchHeader): Filtered {
    if (batch.baseOffset >= this.#view.end) return 'same'
    if (batch.isControl) return this.#marker(bytes, batch)
    const { transactions } = this.#view
    if (batch.isTransactional && transactions.isAborted(batch)) {
      this.counts.recordsDropped += batch.recordCount
      return this.#emptied(bytes, batch)
    }
    return batch.recordCount === 0 ? this.#emptied(bytes, batch) : this.#data(bytes, batch)
  }

  #marker(bytes: Uint8Array, batch: BatchHeader): Filtered {
    const mayGo = this.#view.transactions.endsNothing(batch)
    if (batch.recordCount === 0) return this.#emptied(bytes, batch)
    if (mayGo && this.#isPast(batch)) {
      this.counts.recordsDropped++
      return this.#emptied(bytes, batch)
    }
    this.counts.recordsKept++
    if (!mayGo || batch.hasDeleteHorizon) return 'same'
    const walk = this.#walk
    walk.begin(bytes, batch)
    const runs = [walk.end, batch.end]
    return this.#retained(bytes, batch, {
      ...{ bytes, runs, recordCount: 1, maxTimestamp: batch.maxTimestamp, deleteHorizon: this.#horizon },
    })
  }

  #data(bytes: Uint8Array, batch: BatchHeader): Filtered {
    const { offsets, maxDecompressedBytes } = this.#view
    const dropsTombstones = this.#isPast(batch)
    const walk = this.#walk
    const runs: number[] = []
    let kept = 0
    let maxTimestamp = -1
    let hasTombstones = false
    walk.begin(bytes, batch, maxDecompressedBytes)
    while (walk.next()) {
      const { keyLength, start } = walk
      if (keyLength < 0 || (walk.valueLength < 0 && dropsTombstones)) continue
      if (offsets.supersedes(walk.bytes, walk.keyAt, keyLength, batch.baseOffset + walk.offsetDelta)) continue
      kept++
      hasTombstones ||= walk.valueLength < 0
      maxTimestamp = Math.max(maxTimestamp, batch.baseTimestamp + walk.timestampDelta)
      if (runs.at(-1) === start) runs[runs.length - 1] = walk.end
      else runs.push(start, walk.end)
    }
    this.counts.recordsKept += kept
    this.counts.recordsDropped += batch.recordCount - kept
    const setsHorizon = hasTombstones && !batch.hasDeleteHorizon
    if (kept === 0) return this.#emptied(bytes, batch)
    if (kept === batch.recordCount && !setsHorizon) return 'same'
    if (batch.timestampType === 'LogAppendTime') maxTimestamp = batch.maxTimestamp
    const deleteHorizon = setsHorizon ? this.#horizon : undefined
    return this.#retained(bytes, batch, { bytes: walk.bytes, runs, recordCount: kept, maxTimestamp, deleteHorizon })
  }

  /** No record stays. */
  #emptied(bytes: Uint8Array, batch: BatchHeader): Filtered {
    if (this.#view.lastOffsets.get(batch.producerId) !== batch.lastOffset) return 'gone'
    if (batch.recordCount === 0) return 'same'
    const { maxTimestamp } = batch
    return this.#retained(bytes, batch, { bytes: bytes.subarray(0, 0), runs: [], recordCount: 0, maxTimestamp })
  }

  #retained(bytes: Uint8Array, batch: BatchHeader, records: RetainedRecords): Uint8Array {
    return retainedBatch(bytes, batch, records, this.#view.take)
  }

  #isPast(batch: BatchHeader): boolean {
    return batch.hasDeleteHorizon && batch.baseTimestamp <= this.#view.now
  }

  get #horizon(): number {
    return this.#view.now + this.#view.deleteRetentionMs
  }
}
