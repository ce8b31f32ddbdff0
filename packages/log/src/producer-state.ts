/**
 * What a partition remembers of its idempotent producers, so that a batch sent twice is stored once (KIP-98).
 *
 *     for each producer id:  epoch │ its last 5 batches: (first sequence, last sequence, first offset, timestamp)
 *
 * A batch must continue the producer's sequence: the next number after the last one, 0 following 2³¹−1. One of the last five sent
 * again is a duplicate and answered with its first offset. A higher epoch starts at 0 again; a lower one is fenced. A producer that
 * is not known (never seen, expired, or its batches deleted) may start anywhere.
 *
 * Decisions only: nothing here waits. `check` looks, `apply` notes, and what `apply` returns takes it back when the write fails.
 */
import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { ProducerInfo } from './engine.ts'

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
  control: boolean
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
}

export type SequenceVerdict =
  | { kind: 'next' }
  | { kind: 'duplicate'; written: WrittenBatch }
  | { kind: 'refused'; error: ErrorCode }
export type SequencedFields = Omit<SequencedBatch, 'baseOffset' | 'maxTimestamp'>

const next: SequenceVerdict = { kind: 'next' }
const outOfOrder: SequenceVerdict = { kind: 'refused', error: ErrorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER }
const fenced: SequenceVerdict = { kind: 'refused', error: ErrorCodes.INVALID_PRODUCER_EPOCH }

export class ProducerState {
  readonly #entries = new Map<bigint, ProducerEntry>()

  get size(): number {
    return this.#entries.size
  }

  entries(): Iterable<ProducerEntry> {
    return this.#entries.values()
  }

  check(batch: SequencedFields): SequenceVerdict {
    const entry = this.#entries.get(batch.producerId)
    if (entry === undefined) return next
    if (batch.producerEpoch < entry.epoch) return fenced
    if (batch.control) return next
    const first = batch.baseSequence
    if (batch.producerEpoch > entry.epoch) return first === 0 ? next : outOfOrder
    const last = sequenceAfter(first, batch.count - 1)
    const written = entry.window.find(candidate => candidate.firstSequence === first && candidate.lastSequence === last)
    if (written !== undefined) return { kind: 'duplicate', written }
    const previous = entry.window.at(-1)?.lastSequence ?? -1
    return first === sequenceAfter(previous, 1) ? next : outOfOrder
  }

  /** Notes a batch that `check` let pass, or one found in the log. Returns how to take it back. */
  apply(batch: SequencedBatch, now: number): () => void {
    const { producerId } = batch
    const before = this.#entries.get(producerId)
    const kept = before !== undefined && before.epoch === batch.producerEpoch ? before.window : []
    const window = batch.control ? kept : [...kept.slice(1 - windowLength), writtenBatch(batch)]
    this.#entries.set(producerId, { producerId, epoch: batch.producerEpoch, window, lastSeen: now })
    return () => {
      if (before === undefined) this.#entries.delete(producerId)
      else this.#entries.set(producerId, before)
    }
  }

  restore(entry: ProducerEntry): void {
    this.#entries.set(entry.producerId, entry)
  }

  /** Forgets producers that have been silent for a day. */
  expire(now: number): void {
    for (const entry of this.#entries.values()) {
      if (now - entry.lastSeen >= producerExpiryMs) this.#entries.delete(entry.producerId)
    }
  }

  infos(): ProducerInfo[] {
    return Array.from(this.#entries.values(), ({ producerId, epoch, window }) => ({
      producerId,
      producerEpoch: epoch,
      lastSequence: window.at(-1)?.lastSequence ?? -1,
      lastTimestamp: window.at(-1)?.timestamp ?? -1,
      currentTransactionStart: -1,
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

/** −1, "none yet", is followed by 0. */
function sequenceAfter(sequence: number, steps: number): number {
  return (sequence + steps) % sequences
}
