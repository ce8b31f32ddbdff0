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
import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import { type PlannedAnswer, planAppends } from './append-plan.ts'
import type { PendingAppend } from './append-request.ts'
import { type CheckpointSlot, partitionKey } from './checkpoint.ts'
import { CommitWaiters } from './commit-waiters.ts'
import type {
  Appended,
  LogConfig,
  OffsetAndTime,
  PartitionState,
  ProducerInfo,
  ReadRequest,
  ReadResult,
  Trimmed,
} from './engine.ts'
import type { LogServices } from './log-services.ts'
import type { OpenFile } from './open-files.ts'
import { createPartitionFolder, type PartitionOwner, partitionFolder, putAside } from './partition-folder.ts'
import type { RecoveredLog } from './partition-recovery.ts'
import { ProducerState } from './producer-state.ts'
import { expiredSegments } from './retention.ts'
import { Segment } from './segment.ts'
import { snapshotOf, writeSidecar, writeSnapshot } from './segment-closing.ts'
import { SegmentList } from './segment-list.ts'
import { Tail } from './tail-cache.ts'
import { findMaxTimestamp, findTimestamp } from './time-lookup.ts'

export class PartitionLog {
  readonly owner: PartitionOwner
  readonly folder: string
  config: LogConfig
  readonly waiters: CommitWaiters = new CommitWaiters()
  readonly #services: LogServices
  readonly #slot: CheckpointSlot
  readonly #segments: SegmentList
  readonly #producers: ProducerState
  readonly #tail: Tail
  #logStartOffset: number
  #highWatermark: number
  /** Position of the high watermark in the active segment. */
  #durableSize: number
  #snapshotOffset: number
  /** Taken while there is something to write or to sync. */
  #file: OpenFile | undefined
  #pending: PendingAppend[] = []
  #failure: ErrorCode | undefined
  #isFull = false
  /** Steps that change files, one after the other; appends wait while there are any. */
  #steps: Promise<unknown> = Promise.resolve()
  #stepsLeft = 0

  constructor(services: LogServices, owner: PartitionOwner, config: LogConfig, recovered: RecoveredLog | undefined) {
    this.#services = services
    this.owner = owner
    this.folder = partitionFolder(services.folder, owner)
    this.config = config
    this.#slot = services.checkpoint.claim(partitionKey(owner.topicId, owner.index))
    this.#tail = new Tail(services.tails)
    this.#segments = new SegmentList(services, recovered?.segments ?? [])
    this.#producers = recovered?.producers ?? new ProducerState()
    this.#snapshotOffset = recovered?.snapshotOffset ?? -1
    this.#highWatermark = this.nextOffset
    this.#durableSize = this.#segments.active?.size ?? 0
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
    while (this.#pending.length > 0 && this.#stepsLeft === 0) {
      const step = this.#writeNow()
      if (step !== undefined) this.#beforeAppends(step)
    }
  }

  /** Returns the step that must come first, if there is one. */
  #writeNow(): (() => Promise<void>) | undefined {
    const { active } = this.#segments
    if (this.#failure !== undefined) return void this.#refusePending(this.#failure)
    if (active === undefined) return () => this.#startLog()
    this.#file ??= this.#services.files.takeOpen(active.path)
    if (this.#file === undefined) return () => this.#openActive(active)
    return this.#writeGroup(active, this.#file) ? undefined : () => this.#roll()
  }

  /** False when the first pending append needs a new segment. */
  #writeGroup(active: Segment, open: OpenFile): boolean {
    const { config } = this
    const { leaderEpoch, clock } = this.#services
    const plan = planAppends(this.#pending, {
      active,
      producers: this.#producers,
      config,
      leaderEpoch,
      logStartOffset: this.#logStartOffset,
      now: clock.now(),
    })
    if (plan.taken === 0) return false
    this.#pending = plan.taken === this.#pending.length ? [] : this.#pending.slice(plan.taken)
    if (plan.writes.length > 0) {
      try {
        active.append(open.file, plan.writes, leaderEpoch, config.indexIntervalBytes)
      } catch (error) {
        for (const undo of plan.undo.reverse()) undo()
        this.#noteFull(error)
        for (const { append, result, isWrite } of plan.answers)
          append.request.answer(append.slot, isWrite ? this.#storageError() : result)
        this.#releaseIdle()
        return true
      }
      this.#isFull = false
      this.#segments.epochs.assign(leaderEpoch, plan.writes[0]!.baseOffset)
      for (const { bytes, baseOffset, nextOffset } of plan.writes) this.#tail.add(bytes, baseOffset, nextOffset)
      this.#services.syncs.request(this)
    }
    for (const answer of plan.answers) this.#answer(answer)
    this.#releaseIdle()
    return true
  }

  #answer({ append, result, until }: PlannedAnswer): void {
    const { request, slot } = append
    if (request.acks !== -1 || !result.ok || until <= this.#highWatermark) request.answer(slot, result)
    else
      this.waiters.addAppend(until, error => request.answer(slot, error === undefined ? result : { ok: false, error }))
  }

  #storageError(): Appended {
    return { ok: false, error: ErrorCodes.KAFKA_STORAGE_ERROR, logStartOffset: this.#logStartOffset }
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
    this.#services.logger.error(
      { folder: this.folder, error: (error as Error).message },
      'cannot write; producers are told to retry, reads go on',
    )
  }

  // Steps: what takes time

  #step<T>(run: () => Promise<T>): Promise<T> {
    this.#stepsLeft++
    const step = this.#steps.then(run)
    this.#steps = step
      .catch(() => undefined)
      .then(() => {
        this.#stepsLeft--
        this.writePending()
        this.#releaseIdle()
      })
    return step
  }

  /** Appends go on after the step; if it fails, those that waited for it are told to retry. */
  #beforeAppends(run: () => Promise<void>): void {
    this.#step(run).catch(error => {
      this.#noteFull(error)
      this.#refusePending(this.#failure ?? ErrorCodes.KAFKA_STORAGE_ERROR)
    })
  }

  async #openActive(active: Segment): Promise<void> {
    this.#file = await this.#services.files.take(active.path)
  }

  /** The first record: until now there was no need of a folder. */
  async #startLog(): Promise<void> {
    await createPartitionFolder(this.#services.disk, this.folder, this.owner.topicId)
    await this.#startSegment(0)
  }

  async #roll(): Promise<void> {
    const closed = this.#segments.active!
    await this.#durable(closed.nextOffset)
    const snapshot = snapshotOf(closed.nextOffset, this.#producers)
    await this.#startSegment(closed.nextOffset)
    void this.#describeClosed(closed, snapshot)
  }

  async #startSegment(baseOffset: number): Promise<void> {
    const { files, disk } = this.#services
    const segment = new Segment(this.folder, baseOffset)
    const open = await files.take(segment.path, 'fresh')
    try {
      await disk.syncFolder(this.folder)
    } catch (error) {
      files.release(open)
      this.#fail(error)
      throw error
    }
    if (this.#file !== undefined) files.release(this.#file)
    this.#file = open
    this.#durableSize = 0
    this.#segments.add(segment)
  }

  async #describeClosed(segment: Segment, snapshot: Uint8Array): Promise<void> {
    try {
      await writeSidecar(this.#services, segment)
      this.#services.indexes.mayDrop(segment)
      await writeSnapshot(this.#services, this.folder, segment.nextOffset, snapshot, { sync: true })
      this.#snapshotOffset = segment.nextOffset
    } catch (error) {
      this.#services.logger.warn(
        { file: segment.path, error: (error as Error).message },
        'could not describe a closed segment; the next start will scan it',
      )
    }
  }

  // Becoming durable

  get needsSync(): boolean {
    return this.#failure === undefined && this.nextOffset > this.#highWatermark
  }

  async sync(): Promise<void> {
    const { nextOffset, size } = this.#segments.active!
    try {
      await this.#file!.file.sync()
    } catch (error) {
      return this.#fail(error)
    }
    if (this.#failure !== undefined) return
    this.#highWatermark = nextOffset
    this.#durableSize = size
    this.#noteEnds()
    this.waiters.committed(nextOffset)
    this.#releaseIdle()
  }

  #durable(offset: number): Promise<void> {
    if (offset <= this.#highWatermark) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.waiters.addAppend(offset, error =>
        error === undefined ? resolve() : reject(new Error(`a sync of ${this.folder} failed`)),
      )
    })
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
    if (this.#slot.durableOffset === this.#highWatermark && this.#slot.logStartOffset === this.#logStartOffset) return
    this.#slot.durableOffset = this.#highWatermark
    this.#slot.logStartOffset = this.#logStartOffset
    this.#services.checkpoint.write(this.#slot)
  }

  #releaseIdle(): void {
    if (this.#file === undefined || this.#stepsLeft > 0 || this.#pending.length > 0 || this.needsSync) return
    this.#services.files.release(this.#file)
    this.#file = undefined
  }

  // Reading

  /** At once when the answer is in memory. */
  read(request: ReadRequest, maxBytes: number, minOne: boolean): ReadResult | Promise<ReadResult> {
    if (this.#failure !== undefined) return { ok: false, error: this.#failure }
    const { offset } = request
    if (offset < this.#logStartOffset || offset > this.nextOffset) return this.#outOfRange()
    if (offset >= this.#highWatermark) return this.#readResult([])
    const chunks = this.#tail.read(offset, this.#highWatermark, maxBytes, minOne)
    return chunks === undefined ? this.#readFromDisk(offset, maxBytes, minOne) : this.#readResult(chunks)
  }

  async #readFromDisk(offset: number, maxBytes: number, minOne: boolean): Promise<ReadResult> {
    const end = { segment: this.#segments.active!, position: this.#durableSize }
    try {
      return this.#readResult(await this.#segments.read(offset, end, maxBytes, minOne, this.config.indexIntervalBytes))
    } catch (error) {
      // Retention may have taken the segment away meanwhile.
      if (this.#failure !== undefined) return { ok: false, error: this.#failure }
      if (offset < this.#logStartOffset) return this.#outOfRange()
      this.#services.logger.error({ folder: this.folder, offset, error: (error as Error).message }, 'cannot read')
      return { ok: false, error: ErrorCodes.KAFKA_STORAGE_ERROR, state: this.state }
    }
  }

  #readResult(chunks: Uint8Array[]): ReadResult {
    return { ok: true, chunks, state: this.state, aborted: null }
  }

  #outOfRange(): ReadResult {
    return { ok: false, error: ErrorCodes.OFFSET_OUT_OF_RANGE, state: this.state }
  }

  offsetForTime(timestamp: number | 'max'): Promise<OffsetAndTime> {
    const range = {
      from: this.#logStartOffset,
      to: this.#highWatermark,
      indexIntervalBytes: this.config.indexIntervalBytes,
    }
    return timestamp === 'max'
      ? findMaxTimestamp(this.#segments, range)
      : findTimestamp(this.#segments, timestamp, range)
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
      await this.#services.checkpoint.sync()
    } catch (error) {
      this.#fail(error)
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
    const { clock, logger } = this.#services
    const now = clock.now()
    if (byTime) this.#producers.expire(now)
    const deletes = this.config.cleanupPolicy.includes('delete')
    const limits = {
      retentionMs: deletes ? this.config.retentionMs : -1,
      retentionBytes: deletes ? this.config.retentionBytes : -1,
      mayExpire: byTime,
    }
    const view = {
      segments: this.#segments.all,
      highWatermark: this.#highWatermark,
      logStartOffset: this.#logStartOffset,
    }
    if (this.#failure !== undefined || expiredSegments(view, limits, now) === undefined) return
    await this.#step(async () => {
      const expired = expiredSegments({ ...view, logStartOffset: this.#logStartOffset }, limits, now)
      if (expired === undefined || this.#failure !== undefined) return
      if (expired.count === this.#segments.all.length) await this.#roll()
      this.#raiseLogStart(this.#segments.all[expired.count]!.baseOffset)
      await this.#segments.removeFirst(expired.count, this.config.fileDeleteDelayMs)
      logger.info(
        { folder: this.folder, segments: expired.count, reason: expired.reason, logStartOffset: this.#logStartOffset },
        'let old segments go',
      )
    }).catch(error =>
      logger.error({ folder: this.folder, error: (error as Error).message }, 'could not let old segments go'),
    )
  }

  // Ending

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return
    this.#services.logger.error(
      { folder: this.folder, error: (error as Error).message },
      'a sync failed: the partition is offline until a restart has checked its files',
    )
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
      await this.#steps
    } while (this.#pending.length > 0)
    const { active } = this.#segments
    if (this.#failure !== undefined || active === undefined) return
    await this.#durable(active.nextOffset)
    if (active.size > 0 && active.sidecarSize !== active.size) await writeSidecar(this.#services, active)
    if (this.#snapshotOffset === active.nextOffset) return
    this.#snapshotOffset = active.nextOffset
    await writeSnapshot(
      this.#services,
      this.folder,
      active.nextOffset,
      snapshotOf(active.nextOffset, this.#producers),
      { sync: false },
    )
  }

  /** Takes nothing any more; what waits is told so. */
  stop(): void {
    if (this.#failure === undefined) this.#end(ErrorCodes.KAFKA_STORAGE_ERROR)
  }

  /** The topic is deleted. The bytes are put aside at once, and removed after the delay. */
  async drop(): Promise<void> {
    const { disk, files, deletions, checkpoint, indexes } = this.#services
    this.#end(ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION)
    await this.#steps
    for (const segment of this.#segments.all) {
      indexes.forget(segment)
      files.forget(segment.path)
    }
    const aside = await putAside(disk, this.folder, `${this.owner.topicId}-${this.owner.index}-delete`)
    if (aside !== undefined) deletions.later(aside, this.config.fileDeleteDelayMs)
    checkpoint.free(this.#slot)
  }
}
