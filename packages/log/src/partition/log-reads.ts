/** Reading the log of a partition: the tail from memory, the rest from segment files; nothing at or past the high watermark. */
import { ErrorCodes, ProtocolError } from '@odradek/protocol'
import type { DamagedRange } from '../damage/damage.ts'
import type { OffsetAndTime, PartitionState, ReadRequest, ReadResult } from '../engine.ts'
import { baseOffsetAt, batchSizeAt, nextOffsetAt } from '../segment/batch-fields.ts'
import type { LogCare } from './log-care.ts'
import type { LogParts } from './log-parts.ts'
import { findTime } from './time-lookup.ts'

export class LogReads {
  readonly #parts: LogParts
  readonly #care: LogCare

  constructor(parts: LogParts, care: LogCare) {
    this.#parts = parts
    this.#care = care
  }

  /** At once when the answer is in memory. */
  read(request: ReadRequest, maxBytes: number, minOne: boolean): ReadResult | Promise<ReadResult> {
    const { ends, failure, tail } = this.#parts
    if (failure.code !== undefined) return { ok: false, error: failure.code }
    const { offset, isolation } = request
    if (offset < ends.logStartOffset || offset > ends.nextOffset) return this.#outOfRange()
    const end = isolation === 'stable' ? ends.lastStableOffset : ends.highWatermark
    const chunks = offset >= end ? [] : tail.read(offset, end, maxBytes, minOne)
    if (chunks === undefined) return this.#readFromDisk(request, maxBytes, minOne)
    return this.#found(chunks, request, ends.state)
  }

  async #readFromDisk(request: ReadRequest, maxBytes: number, minOne: boolean): Promise<ReadResult> {
    const { offset } = request
    const { ends, failure, quarantine } = this.#parts
    try {
      return await this.#care.passing(async () => {
        const lost = quarantine.at(offset)
        if (lost !== undefined) return this.#damaged(lost.toOffset)
        return await this.#readSegments(request, maxBytes, minOne)
      })
    } catch (error) {
      // Retention may have taken the segment away meanwhile.
      if (failure.code !== undefined) return { ok: false, error: failure.code }
      if (offset < ends.logStartOffset) return this.#outOfRange()
      failure.report(error, `cannot read at offset ${offset}`)
      return { ok: false, error: ErrorCodes.KAFKA_STORAGE_ERROR, state: ends.state }
    }
  }

  /**
   * Aborted transactions must be those of what was read: compaction takes both away. The state is that of before, which bounds what was
   * read: who waits for more would otherwise wait for what came while the disk was read, and is there.
   */
  async #readSegments(request: ReadRequest, maxBytes: number, minOne: boolean): Promise<ReadResult> {
    const { config, ends, segments, writer } = this.#parts
    const { isolation, offset } = request
    for (;;) {
      const { generation } = segments
      const { state } = ends
      const chunks = await segments.read(offset, writer.durableEnd, maxBytes, minOne, config.indexIntervalBytes)
      const lost = this.#passedOver(offset, chunks, minOne)
      if (lost !== undefined) return this.#damaged(lost.toOffset)
      if (isolation === 'uncommitted') return this.#found(chunks, request, state)
      if (segments.generation === generation) return this.#found(before(state.lastStableOffset, chunks), request, state)
    }
  }

  /** After a hole that compaction has left, damaged records may come before the next good ones: nobody may pass them unseen. */
  #passedOver(offset: number, [first]: readonly Uint8Array[], minOne: boolean): DamagedRange | undefined {
    const { ends, quarantine } = this.#parts
    if (quarantine.isEmpty || (first === undefined && !minOne)) return undefined
    return quarantine.firstWithin(offset, first === undefined ? ends.highWatermark : baseOffsetAt(first, 0))
  }

  #found(chunks: Uint8Array[], { isolation, offset }: ReadRequest, state: PartitionState): ReadResult {
    const { producers } = this.#parts
    const aborted = isolation === 'stable' ? producers.transactions.abortedWithin(offset, endOf(chunks)) : null
    return { ok: true, chunks, state, aborted }
  }

  #damaged(resumeAt: number): ReadResult {
    return { ok: false, error: ErrorCodes.CORRUPT_MESSAGE, state: this.#parts.ends.state, resumeAt }
  }

  #outOfRange(): ReadResult {
    return { ok: false, error: ErrorCodes.OFFSET_OUT_OF_RANGE, state: this.#parts.ends.state }
  }

  async offsetForTime(timestamp: number | 'max'): Promise<OffsetAndTime> {
    const { config, ends, failure, owner, segments } = this.#parts
    const { indexIntervalBytes } = config
    const range = { from: ends.logStartOffset, to: ends.highWatermark, indexIntervalBytes }
    try {
      if (failure.code === undefined) return await this.#care.passing(() => findTime(segments, timestamp, range))
    } catch (error) {
      failure.report(error, `cannot look up the time ${timestamp}`)
    }
    const { topic, index: partition } = owner
    throw new ProtocolError(failure.code ?? ErrorCodes.KAFKA_STORAGE_ERROR, { topic, partition })
  }
}

/** The whole batches before an offset, which begins a batch. */
function before(offset: number, chunks: Uint8Array[]): Uint8Array[] {
  const kept: Uint8Array[] = []
  for (const chunk of chunks) {
    let end = 0
    while (end < chunk.length && nextOffsetAt(chunk, end) <= offset) end += batchSizeAt(chunk, end)
    if (end > 0) kept.push(end === chunk.length ? chunk : chunk.subarray(0, end))
    if (end < chunk.length) break
  }
  return kept
}

/** The offset after the last batch; 0 when there is none. */
function endOf(chunks: readonly Uint8Array[]): number {
  const last = chunks.at(-1)
  let end = 0
  for (let at = 0; last !== undefined && at < last.length; at += batchSizeAt(last, at)) end = nextOffsetAt(last, at)
  return end
}
