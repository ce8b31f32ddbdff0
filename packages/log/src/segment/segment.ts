/**
 * A piece of a partition's log: one file of record batches from a base offset on, and what is known about it.
 *
 *     00000000000000000042.log   [batch 42…44][batch 45…45][batch 46…60]
 *
 * Appending is always the same few steps: write the bytes, note the largest timestamp, maybe add an index entry, count the bytes since
 * the last one. Only the last segment of a log is appended to; a closed one may have its index on disk alone.
 *
 * Invariant: `size`, `nextOffset` and the index speak of the same bytes; a failed write changes none of them.
 */
import type { BatchHeader } from '@odradek/protocol'
import type { DiskFile } from '@odradek/world'
import { segmentName, sidecarName } from '../folder/file-names.ts'
import type { EpochStart } from './leader-epochs.ts'
import { decodeSidecarIndex, encodeSidecar, type SidecarHead } from './segment-sidecar.ts'
import { SparseIndex } from './sparse-index.ts'

/** A batch whose bytes are ready to be written. */
export interface PlacedBatch {
  readonly bytes: Uint8Array
  readonly baseOffset: number
  readonly nextOffset: number
  readonly maxTimestamp: number
}

/** Offsets in a segment are relative to its base and fit 31 bits, as in Kafka. */
const offsetsPerSegment = 2 ** 31 - 1
const beyondAnyInterval = 2 ** 32

export class Segment {
  readonly baseOffset: number
  readonly folder: string
  size = 0
  nextOffset: number
  /** -1: none yet. */
  firstTimestamp = -1
  maxTimestamp = -1
  /** Undefined: in the sidecar. */
  index: SparseIndex | undefined = new SparseIndex()
  /** Leader epochs that began in it, or wrote first in it. */
  epochs: EpochStart[] = []
  /** Size that the sidecar on disk describes; -1 when there is none. */
  sidecarSize = -1
  /** While another segment takes its place; resolves when it has, or has not. */
  replacing: Promise<unknown> | undefined
  /** Its place was taken: what is read of its file now may be another's. */
  isReplaced = false
  #sinceEntry = 0

  constructor(folder: string, baseOffset: number) {
    this.folder = folder
    this.baseOffset = baseOffset
    this.nextOffset = baseOffset
  }

  get path(): string {
    return `${this.folder}/${segmentName(this.baseOffset)}`
  }

  get sidecarPath(): string {
    return `${this.folder}/${sidecarName(this.baseOffset)}`
  }

  /** Takes up where the sidecar ends. */
  describe(head: SidecarHead, index: SparseIndex | undefined): void {
    this.size = head.logSize
    this.nextOffset = head.nextOffset
    this.firstTimestamp = head.firstTimestamp
    this.maxTimestamp = head.maxTimestamp
    this.epochs = [...head.epochs]
    this.index = index
    this.sidecarSize = head.logSize
    this.#sinceEntry = head.sinceEntry
  }

  /** Whether this batch must go to a new segment, when `staged` bytes are about to be written before it. */
  isFullFor(
    batch: { bytes: Uint8Array; maxTimestamp: number },
    staged: number,
    nextOffset: number,
    limits: { segmentBytes: number; segmentMs: number },
  ): boolean {
    const size = this.size + staged
    const { maxTimestamp } = batch
    if (size === 0) return false
    if (size + batch.bytes.length > limits.segmentBytes || nextOffset - this.baseOffset > offsetsPerSegment) return true
    return limits.segmentMs >= 0 && this.firstTimestamp >= 0 && maxTimestamp - this.firstTimestamp > limits.segmentMs
  }

  /** One write for all. When it fails, part of it may stand behind the end; the segment itself is as it was. */
  append(file: DiskFile, batches: readonly PlacedBatch[], leaderEpoch: number, indexIntervalBytes: number): void {
    const chunks = batches.map(batch => batch.bytes)
    file.write(this.size, chunks)
    for (const batch of batches) this.note(batch, batch.bytes.length, leaderEpoch, indexIntervalBytes)
  }

  /** Counts a batch that stands at the end of the file. */
  note(batch: Omit<PlacedBatch, 'bytes'>, bytes: number, leaderEpoch: number, indexIntervalBytes: number): void {
    if (this.#sinceEntry > indexIntervalBytes) {
      this.index!.add(batch.baseOffset - this.baseOffset, this.size, this.maxTimestamp)
      this.#sinceEntry = 0
    }
    if (this.firstTimestamp < 0) this.firstTimestamp = batch.maxTimestamp
    if (leaderEpoch > (this.epochs.at(-1)?.epoch ?? -1))
      this.epochs.push({ epoch: leaderEpoch, startOffset: batch.baseOffset })
    this.maxTimestamp = Math.max(this.maxTimestamp, batch.maxTimestamp)
    this.size += bytes
    this.nextOffset = batch.nextOffset
    this.#sinceEntry += bytes
  }

  /** Counts a batch that was found in the file. */
  noteFound(batch: BatchHeader, indexIntervalBytes: number): void {
    const { baseOffset, maxTimestamp } = batch
    this.note(
      { baseOffset, nextOffset: batch.lastOffset + 1, maxTimestamp },
      batch.sizeInBytes,
      batch.partitionLeaderEpoch,
      indexIntervalBytes,
    )
  }

  /** Passes over damaged bytes at the end. The batch after them gets an index entry. */
  noteDamage(end: { position: number; nextOffset: number }): void {
    this.#sinceEntry = Math.max(this.#sinceEntry, beyondAnyInterval)
    this.size = end.position
    this.nextOffset = end.nextOffset
  }

  /** Cuts off what a failed write has left behind the last batch. */
  cut(file: DiskFile): void {
    if (file.size > this.size) file.truncate(this.size)
  }

  encodeSidecar(): Uint8Array {
    const { baseOffset, nextOffset, size, firstTimestamp, maxTimestamp, epochs } = this
    return encodeSidecar(
      { baseOffset, nextOffset, logSize: size, firstTimestamp, maxTimestamp, sinceEntry: this.#sinceEntry, epochs },
      this.index!,
    )
  }

  decodeIndex(sidecar: Uint8Array): SparseIndex {
    return decodeSidecarIndex(sidecar, this.sidecarPath)
  }
}
