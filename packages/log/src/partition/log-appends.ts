/**
 * Appends to the log of a partition. They wait for their turn; a turn writes all that waits with one write, asks for a sync, and
 * answers those that need not wait for it.
 *
 *     enqueue ─▶ pending ─turn─▶ planned ─▶ refused or a duplicate: answered
 *                   ▲               └─────▶ written: answered at once, or with acks=-1 when durable
 *                   └─ a file must be opened or a segment started first: a step, then the next turn
 */
import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { Segment } from '../segment/segment.ts'
import { type AppendPlan, type PlannedAnswer, planAppends } from './append-plan.ts'
import type { PendingAppend } from './append-request.ts'
import type { LogCommits } from './log-commits.ts'
import type { LogParts } from './log-parts.ts'
import type { StepQueue } from './step-queue.ts'

export class LogAppends {
  readonly #parts: LogParts
  readonly #commits: LogCommits
  /** Opening, rolling, removing: appends wait while there is any. */
  readonly #steps: StepQueue
  #pending: PendingAppend[] = []

  constructor(parts: LogParts, commits: LogCommits, steps: StepQueue) {
    this.#parts = parts
    this.#commits = commits
    this.#steps = steps
  }

  get areWaiting(): boolean {
    return this.#pending.length > 0
  }

  enqueue(append: PendingAppend): void {
    this.#pending.push(append)
  }

  /** A turn: writes what is pending, unless a step must come first; it will call again. */
  writePending(): void {
    while (this.#pending.length > 0 && !this.#steps.isBusy) {
      const step = this.#writeNow()
      if (step !== undefined) this.#after(step)
    }
    this.releaseIdle()
  }

  /** Returns the step that must come first, if there is one. */
  #writeNow(): (() => Promise<void>) | undefined {
    const { failure, segments, writer } = this.#parts
    const { active } = segments
    if (failure.code !== undefined) return void this.refusePending(failure.code)
    if (active === undefined) return () => writer.startLog()
    if (!writer.isReady(active)) return () => writer.openActive(active)
    return this.#writeGroup(active) ? undefined : () => this.roll()
  }

  /** False when the first pending append needs a new segment. */
  #writeGroup(active: Segment): boolean {
    const { config, ends, producers, services } = this.#parts
    const { leaderEpoch, clock } = services
    const { logStartOffset } = ends
    const view = { active, producers, config, leaderEpoch, logStartOffset, now: clock.now() }
    const plan = planAppends(this.#pending, view)
    if (plan.taken === 0) return false
    this.#pending = plan.taken === this.#pending.length ? [] : this.#pending.slice(plan.taken)
    if (plan.writes.length > 0) this.#write(plan)
    for (const answer of plan.answers) this.#answer(answer)
    return true
  }

  #write({ writes, undo }: AppendPlan): void {
    const { config, failure, tail, writer } = this.#parts
    try {
      writer.write(writes, config.indexIntervalBytes)
    } catch (error) {
      for (const takeBack of undo.reverse()) takeBack()
      failure.noteFull(error)
      return
    } finally {
      this.#commits.request()
    }
    failure.noteWritten()
    for (const { bytes, baseOffset, nextOffset } of writes) tail.add(bytes, baseOffset, nextOffset)
  }

  #answer({ append, result, until }: PlannedAnswer): void {
    const { request, slot } = append
    const { ends, waiters } = this.#parts
    const answer = (error?: ErrorCode) => request.answer(slot, error === undefined ? result : { ok: false, error })
    if (until > ends.nextOffset) answer(ErrorCodes.KAFKA_STORAGE_ERROR)
    else if (request.acks === -1 && until > ends.highWatermark) waiters.addAppend(until, answer)
    else answer()
  }

  refusePending(error: ErrorCode): void {
    const pending = this.#pending
    this.#pending = []
    for (const { request, slot } of pending) request.answer(slot, { ok: false, error })
  }

  /** Appends go on after the step; if it fails, those that wait for it are told to retry. */
  #after(step: () => Promise<void>): void {
    const { failure } = this.#parts
    const attempt = () =>
      step().catch(error => {
        failure.noteStep(error)
        this.refusePending(failure.code ?? ErrorCodes.KAFKA_STORAGE_ERROR)
      })
    void this.#steps.run(attempt)
  }

  /** Ends the active segment and starts the next one. A step. */
  async roll(): Promise<void> {
    const { producers, segments, writer } = this.#parts
    await this.#commits.durable()
    await (segments.active === undefined ? writer.startLog() : writer.roll(producers))
  }

  /** Somebody else may need the descriptor. */
  releaseIdle(): void {
    if (!this.#steps.isBusy && !this.areWaiting && !this.#commits.needsSync) this.#parts.writer.release()
  }
}
