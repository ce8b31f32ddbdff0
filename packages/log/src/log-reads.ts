/** Reading the log of a partition: the tail from memory, the rest from segment files; nothing at or past the high watermark. */
import { ErrorCodes, ProtocolError } from '@odradek/protocol'
import type { OffsetAndTime, ReadRequest, ReadResult } from './engine.ts'
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
    const isAtEnd = offset >= ends.highWatermark
    const chunks = isAtEnd ? [] : tail.read(offset, ends.highWatermark, maxBytes, minOne)
    return chunks === undefined ? this.#readFromDisk(request, maxBytes, minOne) : this.#found(chunks, isolation)
  }

  async #readFromDisk({ offset, isolation }: ReadRequest, maxBytes: number, minOne: boolean): Promise<ReadResult> {
    const { config, ends, failure, quarantine, segments, writer } = this.#parts
    try {
      return await this.#care.passing(async () => {
        if (quarantine.at(offset) !== undefined) return this.#damaged()
        const chunks = await segments.read(offset, writer.durableEnd, maxBytes, minOne, config.indexIntervalBytes)
        return this.#found(chunks, isolation)
      })
    } catch (error) {
      // Retention may have taken the segment away meanwhile.
      if (failure.code !== undefined) return { ok: false, error: failure.code }
      if (offset < ends.logStartOffset) return this.#outOfRange()
      failure.report(error, `cannot read at offset ${offset}`)
      return { ok: false, error: ErrorCodes.KAFKA_STORAGE_ERROR, state: ends.state }
    }
  }

  #found(chunks: Uint8Array[], isolation: ReadRequest['isolation']): ReadResult {
    return { ok: true, chunks, state: this.#parts.ends.state, aborted: isolation === 'stable' ? [] : null }
  }

  #damaged(): ReadResult {
    return { ok: false, error: ErrorCodes.CORRUPT_MESSAGE, state: this.#parts.ends.state }
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
