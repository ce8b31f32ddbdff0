/**
 * The log of one partition: its segments, and the ends that matter.
 *
 *     logStartOffset            highWatermark        nextOffset
 *           ▼                         ▼                  ▼
 *     ──────[ readable, durable ····· ][ written, not yet durable ]
 *     [ closed segment ][ closed segment ][ active segment         ]
 *
 * Appends wait in `pending` for their turn; a turn writes all that waits with one write. Then a sync is asked for, and when it is done
 * the high watermark moves, parked readers wake, and acks=-1 is answered. Opening a file and rolling take time: meanwhile appends wait,
 * in order.
 *
 * Invariants: logStartOffset ≤ highWatermark ≤ nextOffset; readers see nothing at or past highWatermark; once a sync has failed nothing
 * is written, read or acknowledged until a restart has looked at what the disk really holds.
 */
import { type ErrorCode, ErrorCodes, ProtocolError } from '@odradek/protocol'
import { type AppendPlan, type PlannedAnswer, planAppends } from './append-plan.ts'
import type { PendingAppend } from './append-request.ts'
import { type CheckpointSlot, partitionKey } from './checkpoint.ts'
import { CommitWaiters } from './commit-waiters.ts'
import type {
  LogConfig,
  OffsetAndTime,
  PartitionState,
  ProducerInfo,
  ReadRequest,
  ReadResult,
  Trimmed,
} from './engine.ts'
import type { LogServices } from './log-services.ts'
import { type PartitionOwner, partitionFolder, putAside } from './partition-folder.ts'
import type { RecoveredLog } from './partition-recovery.ts'
import { ProducerState } from './producer-state.ts'
import { type Expired, expiredSegments } from './retention.ts'
import type { Segment } from './segment.ts'
import { SegmentList } from './segment-list.ts'
import { SegmentWriter } from './segment-writer.ts'
import { StepQueue } from './step-queue.ts'
import { SyncFailure } from './sync-failure.ts'
import { Tail } from './tail-cache.ts'
import { findTime } from './time-lookup.ts'

export class PartitionLog {
  readonly owner: PartitionOwner
  readonly folder: string
  config: LogConfig
  readonly waiters: CommitWaiters = new CommitWaiters()
  readonly #services: LogServices
  readonly #slot: CheckpointSlot
  readonly #segments: SegmentList
  readonly #producers: ProducerState
  readonly #writer: SegmentWriter
  readonly #tail: Tail
  #logStartOffset: number
  #highWatermark: number
  #pending: PendingAppend[] = []
  #failure: ErrorCode | undefined
  #isFull = false
  /** Opening, rolling, removing: appends wait while there is any. */
  readonly #steps: StepQueue = new StepQueue(() => this.writePending())

  constructor(services: LogServices, owner: PartitionOwner, config: LogConfig, recovered: RecoveredLog | undefined) {
    this.#services = services
    this.owner = owner
    this.folder = partitionFolder(services.folder, owner)
    this.config = config
    this.#slot = services.checkpoint.claim(partitionKey(owner.topicId, owner.index))
    this.#tail = new Tail(services.tails)
    this.#segments = new SegmentList(services, recovered?.segments ?? [])
    this.#producers = recovered?.producers ?? new ProducerState()
    this.#writer = new SegmentWriter(services, owner, this.#segments, recovered?.snapshotOffset ?? -1)
    this.#highWatermark = this.nextOffset
    this.#logStartOffset = Math.min(Math.max(this.#slot.logStartOffset, this.#segments.baseOffset), this.nextOffset)
    this.#segments.epochs.trimBefore(this.#logStartOffset)
    if (recovered === undefined) this.#failure = ErrorCodes.KAFKA_STORAGE_ERROR
    else this.#noteEnds()
  }

  get failure(): ErrorCode | undefined {
    return this.#failure
  }

  get highWatermark(): number {
    return this.#highWatermark
  }

  get nextOffset(): number {
    return this.#segments.nextOffset
  }

  get state(): PartitionState {
    const highWatermark = this.#highWatermark
    const { leaderEpoch } = this.#services
    return {
      logStartOffset: this.#logStartOffset,
      highWatermark,
      lastStableOffset: highWatermark,
      leaderEpoch,
      bytes: this.#segments.bytes,
    }
  }

  // Appending

  enqueue(append: PendingAppend): void {
    this.#pending.push(append)
  }

  /** A turn: writes what is pending, unless a step must come first; it will call again. */
  writePending(): void {
    while (this.#pending.length > 0 && !this.#steps.isBusy) {
      const step = this.#writeNow()
      if (step !== undefined) this.#beforeAppends(step)
    }
    this.#releaseIdle()
  }

  /** Returns the step that must come first, if there is one. */
  #writeNow(): (() => Promise<void>) | undefined {
    const { active } = this.#segments
    if (this.#failure !== undefined) return void this.#refusePending(this.#failure)
    if (active === undefined) return () => this.#writer.startLog()
    if (!this.#writer.isReady(active)) return () => this.#writer.openActive(active)
    return this.#writeGroup(active) ? undefined : () => this.#roll()
  }

  /** False when the first pending append needs a new segment. */
  #writeGroup(active: Segment): boolean {
    const plan = planAppends(this.#pending, {
      active,
      producers: this.#producers,
      config: this.config,
      leaderEpoch: this.#services.leaderEpoch,
      logStartOffset: this.#logStartOffset,
      now: this.#services.clock.now(),
    })
    if (plan.taken === 0) return false
    this.#pending = plan.taken === this.#pending.length ? [] : this.#pending.slice(plan.taken)
    if (plan.writes.length > 0) this.#write(plan)
    for (const answer of plan.answers) this.#answer(answer)
    return true
  }

  #write({ writes, undo }: AppendPlan): void {
    try {
      this.#writer.write(writes, this.config.indexIntervalBytes)
    } catch (error) {
      for (const takeBack of undo.reverse()) takeBack()
      this.#noteFull(error)
      return
    } finally {
      this.#services.syncs.request(this)
    }
    this.#isFull = false
    for (const { bytes, baseOffset, nextOffset } of writes) this.#tail.add(bytes, baseOffset, nextOffset)
  }

  #answer({ append, result, until }: PlannedAnswer): void {
    const { request, slot } = append
    const answer = (error?: ErrorCode) => request.answer(slot, error === undefined ? result : { ok: false, error })
    if (until > this.nextOffset) answer(ErrorCodes.KAFKA_STORAGE_ERROR)
    else if (request.acks === -1 && until > this.#highWatermark) this.waiters.addAppend(until, answer)
    else answer()
  }

  #refusePending(error: ErrorCode): void {
    const pending = this.#pending
    this.#pending = []
    for (const { request, slot } of pending) request.answer(slot, { ok: false, error })
  }

  /** Says once that writing fails, until it succeeds again. */
  #noteFull(error: unknown): void {
    if (this.#isFull) return
    this.#isFull = true
    this.#report(error, 'cannot write or remove; producers are told to retry, reads go on')
  }

  #report(error: unknown, message: string): void {
    this.#services.logger.error({ folder: this.folder, error: (error as Error).message }, message)
  }

  /** Appends go on after the step; if it fails, those that wait for it are told to retry. */
  #beforeAppends(step: () => Promise<void>): void {
    const attempt = () =>
      step().catch(error => {
        this.#noteFailure(error)
        this.#refusePending(this.#failure ?? ErrorCodes.KAFKA_STORAGE_ERROR)
      })
    void this.#steps.run(attempt)
  }

  #noteFailure(error: unknown): void {
    if (error instanceof SyncFailure) this.#fail(error)
    else this.#noteFull(error)
  }

  async #roll(): Promise<void> {
    await this.#durable()
    await this.#writer.roll(this.#producers)
  }

  // Becoming durable

  get needsSync(): boolean {
    return this.#failure === undefined && (this.nextOffset > this.#highWatermark || this.#writer.mustCut)
  }

  async sync(): Promise<void> {
    try {
      const offset = await this.#writer.sync()
      if (this.#failure !== undefined) return
      this.#highWatermark = offset
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#noteEnds()
    this.waiters.committed(this.#highWatermark)
    this.#releaseIdle()
  }

  /** Resolves when all that was written is durable, and nothing else is in the file. */
  async #durable(): Promise<void> {
    while (this.needsSync) {
      await new Promise<void>((resolve, reject) => {
        const failed = () => reject(new Error(`a sync of ${this.folder} failed`))
        this.waiters.addAppend(this.nextOffset, error => (error === undefined ? resolve() : failed()))
      })
    }
  }

  /** Helps the next start to tell a torn tail from damage; the data itself is safe without. */
  #noteEnds(): void {
    try {
      this.#writeEnds()
    } catch (error) {
      this.#noteFull(error)
    }
  }

  #writeEnds(): void {
    const ends = { durableOffset: this.#highWatermark, logStartOffset: this.#logStartOffset }
    const { durableOffset, logStartOffset } = this.#slot
    if (durableOffset === ends.durableOffset && logStartOffset === ends.logStartOffset) return
    this.#services.checkpoint.write(this.#slot, ends)
  }

  #releaseIdle(): void {
    if (!this.#steps.isBusy && this.#pending.length === 0 && !this.needsSync) this.#writer.release()
  }

  // Reading

  /** At once when the answer is in memory. */
  read(request: ReadRequest, maxBytes: number, minOne: boolean): ReadResult | Promise<ReadResult> {
    if (this.#failure !== undefined) return { ok: false, error: this.#failure }
    const { offset, isolation } = request
    if (offset < this.#logStartOffset || offset > this.nextOffset) return this.#outOfRange()
    const isAtEnd = offset >= this.#highWatermark
    const chunks = isAtEnd ? [] : this.#tail.read(offset, this.#highWatermark, maxBytes, minOne)
    return chunks === undefined ? this.#readFromDisk(request, maxBytes, minOne) : this.#found(chunks, isolation)
  }

  async #readFromDisk({ offset, isolation }: ReadRequest, maxBytes: number, minOne: boolean): Promise<ReadResult> {
    const end = this.#writer.durableEnd
    try {
      const chunks = await this.#segments.read(offset, end, maxBytes, minOne, this.config.indexIntervalBytes)
      return this.#found(chunks, isolation)
    } catch (error) {
      // Retention may have taken the segment away meanwhile.
      if (this.#failure !== undefined) return { ok: false, error: this.#failure }
      if (offset < this.#logStartOffset) return this.#outOfRange()
      this.#report(error, `cannot read at offset ${offset}`)
      return { ok: false, error: ErrorCodes.KAFKA_STORAGE_ERROR, state: this.state }
    }
  }

  #found(chunks: Uint8Array[], isolation: ReadRequest['isolation']): ReadResult {
    return { ok: true, chunks, state: this.state, aborted: isolation === 'stable' ? [] : null }
  }

  #outOfRange(): ReadResult {
    return { ok: false, error: ErrorCodes.OFFSET_OUT_OF_RANGE, state: this.state }
  }

  async offsetForTime(timestamp: number | 'max'): Promise<OffsetAndTime> {
    const { indexIntervalBytes } = this.config
    const range = { from: this.#logStartOffset, to: this.#highWatermark, indexIntervalBytes }
    try {
      if (this.#failure === undefined) return await findTime(this.#segments, timestamp, range)
    } catch (error) {
      this.#report(error, `cannot look up the time ${timestamp}`)
    }
    const { topic, index: partition } = this.owner
    throw new ProtocolError(this.#failure ?? ErrorCodes.KAFKA_STORAGE_ERROR, { topic, partition })
  }

  offsetForEpoch(epoch: number): { epoch: number; endOffset: number } {
    return this.#segments.epochs.endOffsetOf(epoch, this.#services.leaderEpoch, this.nextOffset)
  }

  producers(): ProducerInfo[] {
    return this.#producers.infos()
  }

  // Shrinking

  async trim(before: number): Promise<Trimmed> {
    if (this.#failure !== undefined) return { ok: false, error: this.#failure }
    const offset = before === -1 ? this.#highWatermark : before
    if (offset < 0 || offset > this.#highWatermark) return { ok: false, error: ErrorCodes.OFFSET_OUT_OF_RANGE }
    this.#raiseLogStart(offset)
    try {
      this.#writeEnds()
      await this.#services.checkpoint.sync()
    } catch (error) {
      this.#noteFull(error)
      return { ok: false, error: ErrorCodes.KAFKA_STORAGE_ERROR }
    }
    void this.expire(false)
    return { ok: true, logStartOffset: this.#logStartOffset }
  }

  #raiseLogStart(offset: number): void {
    if (offset <= this.#logStartOffset) return
    this.#logStartOffset = offset
    this.#noteEnds()
    this.waiters.wakeReaders()
  }

  /** Lets go of what retention does not keep. `byTime`: the wall clock is to be trusted. */
  async expire(byTime: boolean): Promise<void> {
    const now = byTime ? this.#services.clock.now() : -1
    if (byTime) this.#producers.expire(now)
    if (this.#expired(now) === undefined) return
    await this.#steps.run(() => this.#letGo(now).catch(error => this.#noteFailure(error)))
  }

  #expired(now: number): Expired | undefined {
    const ends = { highWatermark: this.#highWatermark, logStartOffset: this.#logStartOffset }
    if (this.#failure !== undefined) return undefined
    return expiredSegments({ segments: this.#segments.all, ...ends }, this.config, now)
  }

  async #letGo(now: number): Promise<void> {
    const expired = this.#expired(now)
    if (expired === undefined) return
    if (expired.count === this.#segments.all.length) await this.#roll()
    this.#raiseLogStart(this.#segments.all[expired.count]!.baseOffset)
    await this.#segments.removeFirst(expired.count, this.config.fileDeleteDelayMs)
    this.#services.logger.info({ folder: this.folder, ...expired }, 'let old segments go')
  }

  // Ending

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return
    this.#report(error, 'a sync failed: the partition is offline until a restart has checked its files')
    this.#end(ErrorCodes.KAFKA_STORAGE_ERROR)
  }

  #end(failure: ErrorCode): void {
    this.#failure = failure
    this.waiters.failed(failure)
    this.#refusePending(failure)
    this.#tail.clear()
    this.#releaseIdle()
  }

  /** Writes what is pending and waits for it to be durable; then notes what the next start would have to find out. */
  async drain(): Promise<void> {
    do {
      this.writePending()
      await this.#steps.idle()
    } while (this.#pending.length > 0)
    if (this.#failure !== undefined || this.#segments.active === undefined) return
    await this.#durable()
    await this.#writer.describeActive(this.#producers)
  }

  /** Takes nothing any more; what waits is told so. Resolves when nothing touches the files any more. */
  async stop(): Promise<void> {
    if (this.#failure === undefined) this.#end(ErrorCodes.KAFKA_STORAGE_ERROR)
    await this.#steps.idle()
    await this.#writer.idle()
  }

  /** The topic is deleted. The bytes are put aside at once, and removed after the delay. */
  async drop(): Promise<void> {
    const { disk, deletions, checkpoint } = this.#services
    this.#end(ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION)
    await this.stop()
    this.#segments.forgetFiles()
    const aside = await putAside(disk, this.folder, `${this.owner.topicId}-${this.owner.index}-delete`)
    if (aside !== undefined) deletions.later(aside, this.config.fileDeleteDelayMs)
    checkpoint.free(this.#slot)
  }
}
