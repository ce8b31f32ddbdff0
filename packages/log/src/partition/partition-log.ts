/**
 * The log of one partition: segments of record batches, the last of which takes appends.
 *
 *     ──────[ readable, durable ····· ][ written, not yet durable ]
 *     [ closed segment ][ closed segment ][ active segment         ]
 *
 * The work is done by its pieces: appends (log-appends.ts), commits (log-commits.ts), reads (log-reads.ts), shrinking
 * (log-shrinking.ts), care of damage (log-care.ts), over the parts they share (log-parts.ts). Whatever takes time and changes which files there are is a step; steps
 * run one after the other, and meanwhile appends wait, in order.
 *
 * Invariant: once a sync has failed nothing is written, read or acknowledged until a restart has looked at what the disk really holds.
 */
import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { DamagedRange } from '../damage/damage.ts'
import { tellDamage } from '../damage/log-events.ts'
import type {
  LogConfig,
  OffsetAndTime,
  PartitionState,
  ProducerInfo,
  ReadRequest,
  ReadResult,
  Trimmed,
} from '../engine.ts'
import { type PartitionOwner, partitionFolder, putAside } from '../folder/partition-folder.ts'
import type { LogServices } from '../log-services.ts'
import type { RecoveredLog } from '../recovery/partition-recovery.ts'
import type { ReadableFile } from '../segment/batch-scan.ts'
import type { PendingAppend } from './append-request.ts'
import type { CommitWaiters } from './commit-waiters.ts'
import { LogAppends } from './log-appends.ts'
import { LogCare } from './log-care.ts'
import { LogCommits } from './log-commits.ts'
import { LogCompaction } from './log-compaction.ts'
import { LogFailure } from './log-failure.ts'
import { LogParts } from './log-parts.ts'
import { LogReads } from './log-reads.ts'
import { LogShrinking } from './log-shrinking.ts'
import { StepQueue } from './step-queue.ts'

export class PartitionLog {
  readonly owner: PartitionOwner
  readonly folder: string
  readonly #parts: LogParts
  readonly #steps: StepQueue
  readonly #commits: LogCommits
  readonly #appends: LogAppends
  readonly #care: LogCare
  readonly #reads: LogReads
  readonly #shrinking: LogShrinking
  readonly compaction: LogCompaction

  /** Without what was recovered, it is offline. */
  constructor(services: LogServices, owner: PartitionOwner, config: LogConfig, recovered: RecoveredLog | undefined) {
    this.owner = owner
    this.folder = partitionFolder(services.folder, owner)
    const failure = new LogFailure(services.logger, this.folder, code => this.#ended(code))
    this.#parts = new LogParts(services, owner, config, recovered, failure)
    this.#steps = new StepQueue(() => this.#appends.writePending())
    this.#commits = new LogCommits(this.#parts, () => this.#appends.releaseIdle())
    this.#appends = new LogAppends(this.#parts, this.#commits, this.#steps)
    this.#care = new LogCare(this.#parts, this.#appends, this.#steps)
    this.#reads = new LogReads(this.#parts, this.#care)
    this.#shrinking = new LogShrinking(this.#parts, this.#appends, this.#steps)
    this.compaction = new LogCompaction(this.#parts, this.folder)
    if (recovered === undefined) failure.end(ErrorCodes.KAFKA_STORAGE_ERROR)
    else this.#parts.ends.note()
    this.#parts.writer.describeGrowth(this.#parts.producers)
    for (const range of recovered?.found ?? []) tellDamage(services.logger, owner, range)
  }

  get config(): LogConfig {
    return this.#parts.config
  }

  set config(config: LogConfig) {
    this.#parts.config = config
  }

  get failure(): ErrorCode | undefined {
    return this.#parts.failure.code
  }

  get waiters(): CommitWaiters {
    return this.#parts.waiters
  }

  get highWatermark(): number {
    return this.#parts.ends.highWatermark
  }

  get state(): PartitionState {
    return this.#parts.ends.state
  }

  // Appending

  enqueue(append: PendingAppend): void {
    this.#appends.enqueue(append)
  }

  writePending(): void {
    this.#appends.writePending()
  }

  // Reading

  /** At once when the answer is in memory. */
  read(request: ReadRequest, maxBytes: number, minOne: boolean): ReadResult | Promise<ReadResult> {
    return this.#reads.read(request, maxBytes, minOne)
  }

  offsetForTime(timestamp: number | 'max'): Promise<OffsetAndTime> {
    return this.#reads.offsetForTime(timestamp)
  }

  offsetForEpoch(epoch: number): { epoch: number; endOffset: number } {
    const { ends, segments, services } = this.#parts
    return segments.epochs.endOffsetOf(epoch, services.leaderEpoch, ends.nextOffset)
  }

  producers(): ProducerInfo[] {
    return this.#parts.producers.infos()
  }

  // Shrinking

  trim(before: number): Promise<Trimmed> {
    return this.#shrinking.trim(before)
  }

  /** Lets go of what retention does not keep. `byTime`: the wall clock is to be trusted. */
  expire(byTime: boolean): Promise<void> {
    return this.#shrinking.expire(byTime)
  }

  // Care

  get damagedRanges(): readonly DamagedRange[] {
    return this.#parts.quarantine.ranges
  }

  /** Reads all that is durable, by files that read at their own pace. Returns how many batches are doubtful. */
  scrub(fileAt: (path: string) => ReadableFile): Promise<number> {
    return this.#care.scrub(fileAt)
  }

  // Ending

  #ended(code: ErrorCode): void {
    const { tail, waiters } = this.#parts
    waiters.failed(code)
    this.#appends.refusePending(code)
    tail.clear()
    this.#appends.releaseIdle()
  }

  /** Writes what is pending and waits for it to be durable; then notes what the next start would have to find out. */
  async drain(): Promise<void> {
    const { failure, producers, segments, writer } = this.#parts
    do {
      this.#appends.writePending()
      await this.#steps.idle()
    } while (this.#appends.areWaiting)
    if (failure.code !== undefined || segments.active === undefined) return
    await this.#commits.durable()
    await writer.describeActive(producers)
  }

  /** Takes nothing any more; what waits is told so. Resolves when nothing touches the files any more. */
  async stop(): Promise<void> {
    const { closedChanges, failure, writer } = this.#parts
    if (failure.code === undefined) failure.end(ErrorCodes.KAFKA_STORAGE_ERROR)
    this.compaction.cancel()
    await this.#care.idle()
    await this.#steps.idle()
    await closedChanges.idle()
    await writer.idle()
  }

  /** The topic is deleted. The bytes are put aside at once, and removed after the delay. */
  async drop(): Promise<void> {
    const { config, ends, failure, owner, segments, services } = this.#parts
    failure.end(ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION)
    try {
      await this.stop()
      segments.forgetFiles()
      const aside = await putAside(services.disk, this.folder, `${owner.topicId}-${owner.index}-delete`)
      if (aside !== undefined) services.deletions.later(aside, config.fileDeleteDelayMs)
    } finally {
      ends.forget()
    }
  }
}
