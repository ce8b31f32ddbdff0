/** Making the log of a partition shorter at its start: on request (DeleteRecords), and by retention. */
import { ErrorCodes } from '@odradek/protocol'
import type { Trimmed } from '../engine.ts'
import type { LogAppends } from './log-appends.ts'
import type { LogParts } from './log-parts.ts'
import { type Expired, expiredSegments } from './retention.ts'
import type { StepQueue } from './step-queue.ts'

export class LogShrinking {
  readonly #parts: LogParts
  readonly #appends: LogAppends
  readonly #steps: StepQueue

  constructor(parts: LogParts, appends: LogAppends, steps: StepQueue) {
    this.#parts = parts
    this.#appends = appends
    this.#steps = steps
  }

  async trim(before: number): Promise<Trimmed> {
    const { ends, failure } = this.#parts
    if (failure.code !== undefined) return { ok: false, error: failure.code }
    const offset = before === -1 ? ends.highWatermark : before
    if (offset < 0 || offset > ends.highWatermark) return { ok: false, error: ErrorCodes.OFFSET_OUT_OF_RANGE }
    try {
      await this.#raiseStart(offset)
    } catch (error) {
      failure.noteFull(error)
      return { ok: false, error: ErrorCodes.KAFKA_STORAGE_ERROR }
    }
    void this.expire(false)
    return { ok: true, logStartOffset: ends.logStartOffset }
  }

  async #raiseStart(offset: number): Promise<void> {
    const { ends, producers, waiters } = this.#parts
    await ends.raiseStart(offset)
    producers.transactions.forgetAborted(ends.logStartOffset)
    waiters.wakeReaders()
  }

  /** Lets go of what retention does not keep. `byTime`: the wall clock is to be trusted. */
  async expire(byTime: boolean): Promise<void> {
    const { failure, producers, services } = this.#parts
    const now = byTime ? services.clock.now() : -1
    if (byTime) producers.expire(now)
    if (this.#expired(now) === undefined) return
    await this.#steps.run(() => this.#letGo(now).catch(error => failure.noteStep(error)))
  }

  #expired(now: number): Expired | undefined {
    const { config, ends, failure, segments } = this.#parts
    if (failure.code !== undefined) return undefined
    const { highWatermark, logStartOffset } = ends
    return expiredSegments({ segments: segments.all, highWatermark, logStartOffset }, config, now)
  }

  async #letGo(now: number): Promise<void> {
    const { closedChanges, segments } = this.#parts
    const expired = this.#expired(now)
    if (expired === undefined) return
    if (expired.count === segments.all.length) await this.#appends.roll()
    await closedChanges.run(() => this.#remove(now))
  }

  /** Compaction may have made fewer segments of them meanwhile. */
  async #remove(now: number): Promise<void> {
    const { config, segments, services } = this.#parts
    const expired = this.#expired(now)
    const first = segments.all[expired?.count ?? 0]
    if (expired === undefined || first === undefined) return
    // A segment that is gone without this would be a loss at the next start.
    await this.#raiseStart(first.baseOffset)
    await segments.removeFirst(expired.count, config.fileDeleteDelayMs)
    services.logger.info({ folder: first.folder, ...expired }, 'let old segments go')
  }
}
