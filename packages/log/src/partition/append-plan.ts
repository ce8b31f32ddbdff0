/**
 * Decides what becomes of the appends that wait at a partition: which are refused, which were written before, and which are written
 * now, at which offsets. The batches to be written get their offsets and leader epoch here; nothing else is changed, except the
 * producers, which `undo` takes back when the write fails.
 */
import {
  type BatchHeader,
  decodeControlBatch,
  type ErrorCode,
  ErrorCodes,
  patchBaseOffset,
  patchLeaderEpoch,
  patchMaxTimestamp,
} from '@odradek/protocol'
import type { AppendBatch, Appended, LogConfig } from '../engine.ts'
import type { ProducerState, SequencedBatch } from '../producers/producer-state.ts'
import type { EndMarker } from '../producers/transactions.ts'
import type { PlacedBatch, Segment } from '../segment/segment.ts'
import type { PendingAppend } from './append-request.ts'

export interface AppendPlan {
  /** So many of the pending appends are dealt with; the rest needs a new segment first. */
  taken: number
  writes: PlacedBatch[]
  answers: PlannedAnswer[]
  undo: (() => void)[]
}

export interface PlannedAnswer {
  append: PendingAppend
  result: Appended
  /** The log must reach this offset for the answer to hold, and be durable up to it before acks=-1 hears of it. 0 for refusals. */
  until: number
}

export interface AppendView {
  active: Segment
  producers: ProducerState
  config: LogConfig
  leaderEpoch: number
  logStartOffset: number
  now: number
}

export function planAppends(pending: readonly PendingAppend[], view: AppendView): AppendPlan {
  const plan: AppendPlan = { taken: 0, writes: [], answers: [], undo: [] }
  const { active, config, logStartOffset } = view
  let staged = 0
  let offset = active.nextOffset
  for (const append of pending) {
    const { batch } = append
    const known = alreadyDecided(batch, view)
    if (known === undefined && active.isFullFor(batch, staged, offset + batch.offsetCount, config)) break
    plan.taken++
    if (known !== undefined) {
      plan.answers.push({
        append,
        result: known,
        until: known.ok ? known.baseOffset + batch.offsetCount : 0,
      })
      continue
    }
    const result = place(batch, offset, view, plan)
    offset += batch.offsetCount
    staged += batch.bytes.length
    plan.answers.push({ append, result: { ...result, logStartOffset }, until: offset })
  }
  return plan
}

/** The answer to a batch that is not written: refused, or a duplicate. */
function alreadyDecided(batch: AppendBatch, { config, producers, logStartOffset }: AppendView): Appended | undefined {
  if (!batch.control && batch.bytes.length > config.maxMessageBytes)
    return refusal(ErrorCodes.MESSAGE_TOO_LARGE, logStartOffset)
  // A marker that is refused would keep its transaction open for ever.
  if (!batch.control && batch.bytes.length > config.segmentBytes)
    return refusal(ErrorCodes.RECORD_LIST_TOO_LARGE, logStartOffset)
  if (batch.producerId < 0n) return undefined
  const verdict = producers.check({ ...batch, count: batch.offsetCount, marker: markerOf(batch) })
  if (verdict.kind === 'next') return undefined
  if (verdict.kind === 'refused') return refusal(verdict.error, logStartOffset)
  const { baseOffset, timestamp } = verdict.written
  const duplicate: Appended = { ok: true, baseOffset, logStartOffset, duplicate: true }
  return config.messageTimestampType === 'LogAppendTime' ? { ...duplicate, appendTime: timestamp } : duplicate
}

function place(
  batch: AppendBatch,
  baseOffset: number,
  view: AppendView,
  plan: AppendPlan,
): { ok: true; baseOffset: number; duplicate: false; appendTime?: number } {
  const { bytes, offsetCount, producerId, producerEpoch, baseSequence, transactional, control } = batch
  const stampsTime = view.config.messageTimestampType === 'LogAppendTime'
  const maxTimestamp = stampsTime ? view.now : batch.maxTimestamp
  patchBaseOffset(bytes, 0, baseOffset)
  patchLeaderEpoch(bytes, 0, view.leaderEpoch)
  if (stampsTime) patchMaxTimestamp(bytes, 0, maxTimestamp, 'LogAppendTime')
  plan.writes.push({ bytes, baseOffset, nextOffset: baseOffset + offsetCount, maxTimestamp })
  if (producerId >= 0n) {
    plan.undo.push(
      view.producers.apply(
        {
          ...{ producerId, producerEpoch, baseSequence, count: offsetCount, baseOffset, maxTimestamp },
          ...{ transactional, control, marker: markerOf(batch) },
        },
        view.now,
      ),
    )
  }
  return stampsTime
    ? { ok: true, baseOffset, duplicate: false, appendTime: maxTimestamp }
    : { ok: true, baseOffset, duplicate: false }
}

const refusal = (error: ErrorCode, logStartOffset: number): Appended => ({ ok: false, error, logStartOffset })

/** A batch found in the log, as its producer's state takes it. */
export function sequencedBatch(batch: BatchHeader, bytes: Uint8Array): SequencedBatch {
  const { producerId, producerEpoch, baseSequence, lastOffsetDelta, baseOffset, maxTimestamp } = batch
  const { isTransactional: transactional, isControl: control } = batch
  return {
    ...{ producerId, producerEpoch, baseSequence, count: lastOffsetDelta + 1, baseOffset, maxTimestamp },
    ...{ transactional, control, marker: markerOf({ control, recordCount: batch.recordCount, bytes }, batch.at) },
  }
}

/** What a control batch decides about its producer's transaction; one from which compaction took its record decides nothing. */
function markerOf(
  { control, recordCount, bytes }: Pick<AppendBatch, 'control' | 'recordCount' | 'bytes'>,
  at = 0,
): EndMarker | undefined {
  if (!control || recordCount === 0) return undefined
  const { type, coordinatorEpoch } = decodeControlBatch(bytes, at)
  return type === 'commit' || type === 'abort' ? { outcome: type, coordinatorEpoch } : undefined
}
