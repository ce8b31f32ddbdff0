/**
 * What a partition remembers of its idempotent producers, so that a batch sent twice is stored once (KIP-98).
 *
 *     for each producer id:  epoch │ its last 5 batches: (first sequence, last sequence, first offset, timestamp)
 *
 * A batch must continue the producer's sequence: the next number after the last one, 0 following 2³¹−1. One of the last five sent
 * again is a duplicate and answered with its first offset. A higher epoch starts at 0 again; a lower one is fenced. A producer that
 * is not known (never seen, expired, or its batches deleted) may start anywhere, unless its client says that it begins at 0.
 *
 * Coordinators number nothing (base sequence -1): of their batches only the epoch is looked at.
 *
 * Its transactions are followed alongside (transactions.ts). While one is open, all its batches must belong to it. A marker of a
 * coordinator that has been followed by another is refused.
 *
 * Decisions only: nothing here waits. `check` looks, `apply` notes, and what `apply` returns takes it back when the write fails.
 */
import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { ProducerInfo } from '../engine.ts'
import { type AbortedTransaction, type EndMarker, Transactions } from './transactions.ts'

/** Batches a producer may have in flight, all of which it may send again (max.in.flight.requests.per.connection). */
const windowLength = 5
const sequences = 2 ** 31
export const producerExpiryMs: number = 24 * 60 * 60 * 1000

/** Where a batch stands in its producer's sequence. */
export interface SequencedBatch {
  producerId: bigint
  producerEpoch: number
  baseSequence: number
  /** Sequence numbers it takes. */
  count: number
  baseOffset: number
  maxTimestamp: number
  transactional: boolean
  control: boolean
  /** Of a control batch that ends a transaction. */
  marker: EndMarker | undefined
}

export interface WrittenBatch {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly baseOffset: number
  readonly timestamp: number
}

/** Replaced, never changed. */
export interface ProducerEntry {
  readonly producerId: bigint
  readonly epoch: number
  /** Oldest first. */
  readonly window: readonly WrittenBatch[]
  /** Wall time of its last append, or of the recovery that found it. */
  readonly lastSeen: number
  /** Offset of the last marker of this epoch; -1: none. */
  readonly markerOffset: number
  /** Of whoever wrote its last marker, under whichever epoch; -1: there was none. */
  readonly coordinatorEpoch: number
  /** Of its last batch, or marker; -1: none. */
  readonly lastTimestamp: number
}

export type SequenceVerdict =
  | { kind: 'next' }
  | { kind: 'duplicate'; written: WrittenBatch }
  | { kind: 'refused'; error: ErrorCode }
export type SequencedFields = Omit<SequencedBatch, 'baseOffset' | 'maxTimestamp'> & {
  readonly beginsAtZero?: boolean
  readonly endsEarlierEpoch?: boolean
}

const next: SequenceVerdict = { kind: 'next' }
const outOfOrder: SequenceVerdict = { kind: 'refused', error: ErrorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER }
const notOfTransaction: SequenceVerdict = { kind: 'refused', error: ErrorCodes.INVALID_TXN_STATE }
/** What it wrote under its earlier epoch would end with what it is about to write. */
const unended: SequenceVerdict = { kind: 'refused', error: ErrorCodes.CONCURRENT_TRANSACTIONS }
const fenced: SequenceVerdict = { kind: 'refused', error: ErrorCodes.INVALID_PRODUCER_EPOCH }
const coordinatorFenced: SequenceVerdict = { kind: 'refused', error: ErrorCodes.TRANSACTION_COORDINATOR_FENCED }

export class ProducerState {
  readonly transactions: Transactions = new Transactions()
  readonly #entries = new Map<bigint, ProducerEntry>()

  get size(): number {
    return this.#entries.size
  }

  /** For a snapshot. */
  entries(): (ProducerEntry & { transactionStart: number })[] {
    return Array.from(this.#entries.values(), entry => ({
      ...entry,
      transactionStart: this.transactions.startOf(entry.producerId),
    }))
  }

  check(batch: SequencedFields): SequenceVerdict {
    const entry = this.#entries.get(batch.producerId)
    if (entry === undefined) return batch.beginsAtZero === true && batch.baseSequence > 0 ? outOfOrder : next
    if (batch.producerEpoch < entry.epoch) return fenced
    if (batch.control) return this.#checkMarker(batch, entry)
    if (batch.producerEpoch > entry.epoch && this.transactions.startOf(batch.producerId) >= 0) return unended
    if (isUnnumbered(batch)) return next
    const first = batch.baseSequence
    if (batch.producerEpoch > entry.epoch) return first === 0 ? next : outOfOrder
    const last = sequenceAfter(first, batch.count - 1)
    const written = entry.window.find(candidate => candidate.firstSequence === first && candidate.lastSequence === last)
    if (written !== undefined) return { kind: 'duplicate', written }
    if (!batch.transactional && this.transactions.startOf(batch.producerId) >= 0) return notOfTransaction
    const previous = entry.window.at(-1)?.lastSequence ?? -1
    return first === sequenceAfter(previous, 1) ? next : outOfOrder
  }

  #checkMarker(
    { producerId, producerEpoch, marker, endsEarlierEpoch }: SequencedFields,
    entry: ProducerEntry,
  ): SequenceVerdict {
    // What is open under the epoch of such a marker came after it: the marker has been here.
    const isRepeated = endsEarlierEpoch === true && producerEpoch === entry.epoch
    if (isRepeated && this.transactions.startOf(producerId) >= 0) return fenced
    return marker !== undefined && marker.coordinatorEpoch < entry.coordinatorEpoch ? coordinatorFenced : next
  }

  /** Notes a batch that `check` let pass, or one found in the log. Returns how to take it back. */
  apply(batch: SequencedBatch, now: number): () => void {
    const { producerId, producerEpoch: epoch, control, marker, maxTimestamp: lastTimestamp } = batch
    const before = this.#entries.get(producerId)
    const isSameEpoch = before !== undefined && before.epoch === epoch
    const kept = isSameEpoch ? before.window : []
    const window = control || isUnnumbered(batch) ? kept : [...kept.slice(1 - windowLength), writtenBatch(batch)]
    const markerOffset = control ? batch.baseOffset : isSameEpoch ? before.markerOffset : -1
    const coordinatorEpoch = marker?.coordinatorEpoch ?? before?.coordinatorEpoch ?? -1
    const entry = { producerId, epoch, window, lastSeen: now, markerOffset, coordinatorEpoch, lastTimestamp }
    this.#entries.set(producerId, entry)
    const takeBack = this.#follow(batch)
    return () => {
      takeBack?.()
      if (before === undefined) this.#entries.delete(producerId)
      else this.#entries.set(producerId, before)
    }
  }

  #follow({ producerId, baseOffset, transactional, control, marker }: SequencedBatch): (() => void) | undefined {
    if (marker !== undefined) return this.transactions.end(producerId, baseOffset, marker.outcome)
    return transactional && !control ? this.transactions.begin(producerId, baseOffset) : undefined
  }

  /** The last offset of what must stay in the log for each producer's sequence or epoch to be known, where it is before the end. */
  lastOffsets(end: number): Map<bigint, number> {
    const offsets = new Map<bigint, number>()
    for (const { producerId, window, markerOffset } of this.#entries.values()) {
      const last = window.at(-1)
      const offset = last === undefined ? markerOffset : last.baseOffset + stepsBetween(last)
      if (offset >= 0 && offset < end) offsets.set(producerId, offset)
    }
    return offsets
  }

  /** Takes up where a snapshot ends. */
  restore(
    entries: readonly (ProducerEntry & { transactionStart: number })[],
    aborted: readonly AbortedTransaction[],
  ): void {
    for (const { transactionStart: _, ...entry } of entries) this.#entries.set(entry.producerId, entry)
    const open = entries.filter(({ transactionStart }) => transactionStart >= 0)
    this.transactions.restore(
      open.map(({ producerId, transactionStart }) => [producerId, transactionStart]),
      aborted,
    )
  }

  /** Forgets producers that have been silent for a day, unless they have a transaction open. */
  expire(now: number): void {
    for (const entry of this.#entries.values()) {
      const isSilent = now - entry.lastSeen >= producerExpiryMs
      if (isSilent && this.transactions.startOf(entry.producerId) < 0) this.#entries.delete(entry.producerId)
    }
  }

  infos(): ProducerInfo[] {
    return Array.from(this.#entries.values(), ({ producerId, epoch, window, lastTimestamp, coordinatorEpoch }) => ({
      producerId,
      producerEpoch: epoch,
      lastSequence: window.at(-1)?.lastSequence ?? -1,
      lastTimestamp,
      coordinatorEpoch,
      currentTransactionStart: this.transactions.startOf(producerId),
    }))
  }
}

function writtenBatch(batch: SequencedBatch): WrittenBatch {
  return {
    firstSequence: batch.baseSequence,
    lastSequence: sequenceAfter(batch.baseSequence, batch.count - 1),
    baseOffset: batch.baseOffset,
    timestamp: batch.maxTimestamp,
  }
}

const stepsBetween = ({ firstSequence, lastSequence }: WrittenBatch): number =>
  (lastSequence - firstSequence + sequences) % sequences

const isUnnumbered = ({ baseSequence }: { baseSequence: number }): boolean => baseSequence === -1

/** −1, "none yet", is followed by 0. */
function sequenceAfter(sequence: number, steps: number): number {
  return (sequence + steps) % sequences
}
