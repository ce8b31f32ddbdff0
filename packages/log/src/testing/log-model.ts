/** A partition log as one would explain it: a list of batches. What an engine answers must be what this answers. */
import { ErrorCodes } from '@odradek/protocol'
import type { OffsetAndTime } from '../engine.ts'
import type { BatchSpec, FoundRecord } from './batches.ts'

interface ModelBatch {
  spec: Required<Omit<BatchSpec, 'partition'>>
  baseOffset: number
  leaderEpoch: number
}

export type ModelAnswer = { baseOffset: number; duplicate: boolean } | { error: number }

export class LogModel {
  leaderEpoch = 0
  logStartOffset = 0
  #batches: ModelBatch[] = []

  get end(): number {
    const last = this.#batches.at(-1)
    return last === undefined ? 0 : last.baseOffset + last.spec.values.length
  }

  append(spec: ModelBatch['spec']): ModelAnswer {
    const verdict = spec.producerId < 0n ? undefined : this.#judge(spec)
    if (verdict !== undefined) return verdict
    const baseOffset = this.end
    this.#batches.push({ spec, baseOffset, leaderEpoch: this.leaderEpoch })
    return { baseOffset, duplicate: false }
  }

  #judge({ producerId, producerEpoch, baseSequence, values }: ModelBatch['spec']): ModelAnswer | undefined {
    const own = this.#batches.filter(batch => batch.spec.producerId === producerId)
    const epoch = own.at(-1)?.spec.producerEpoch ?? producerEpoch
    if (producerEpoch < epoch) return { error: ErrorCodes.INVALID_PRODUCER_EPOCH }
    const current = own.filter(batch => batch.spec.producerEpoch === producerEpoch).slice(-5)
    const same = current.find(({ spec }) => spec.baseSequence === baseSequence && spec.values.length === values.length)
    if (same !== undefined) return { baseOffset: same.baseOffset, duplicate: true }
    const last = current.at(-1)?.spec
    const next = last === undefined ? 0 : last.baseSequence + last.values.length
    return own.length > 0 && baseSequence !== next ? { error: ErrorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER } : undefined
  }

  /** Records from the batch with the offset on; the error of a fetch outside the log. */
  read(offset: number): FoundRecord[] | { error: number } {
    if (offset < this.logStartOffset || offset > this.end) return { error: ErrorCodes.OFFSET_OUT_OF_RANGE }
    return this.#records()
      .filter(record => record.batchEnd > offset)
      .map(({ offset: at, value }) => ({ offset: at, value }))
  }

  trim(before: number): { logStartOffset: number } | { error: number } {
    const to = before === -1 ? this.end : before
    if (to > this.end) return { error: ErrorCodes.OFFSET_OUT_OF_RANGE }
    this.logStartOffset = Math.max(this.logStartOffset, to)
    return { logStartOffset: this.logStartOffset }
  }

  offsetForTime(timestamp: number | 'max'): OffsetAndTime {
    const records = this.#records().filter(({ offset }) => offset >= this.logStartOffset)
    const wanted = timestamp === 'max' ? Math.max(...records.map(record => record.timestamp)) : timestamp
    const found = records.find(record => record.timestamp >= wanted)
    if (found === undefined) return { offset: -1, timestamp: -1, leaderEpoch: -1 }
    return { offset: found.offset, timestamp: found.timestamp, leaderEpoch: found.leaderEpoch }
  }

  #records() {
    return this.#batches.flatMap(({ spec, baseOffset, leaderEpoch }) =>
      spec.values.map((value, i) => {
        const batchEnd = baseOffset + spec.values.length
        return { offset: baseOffset + i, value, timestamp: spec.timestamp + i, leaderEpoch, batchEnd }
      }),
    )
  }
}
