/**
 * Compaction of the log of one partition: what a pass may touch, cleaned segments taking the place of old ones under readers' hands, and
 * how far the log is clean.
 *
 * A pass that fails, wherever it runs, leaves the log as it was; a full disk is tried again after a while, damage not before a restart.
 *
 * Aborted transactions that are gone from the log are forgotten everywhere, snapshots included, before a later pass may drop their
 * markers: a reader told of one without ever meeting its marker would skip what the producer committed afterwards.
 */
import { readCleanedOffset, writeCleanedOffset } from '../compaction/cleaned-offset.ts'
import type { HandOver } from '../compaction/cleaning.ts'
import { type CleaningChoice, cleaningChoice } from '../compaction/cleaning-choice.ts'
import type { CleanedGroup, CleaningJob, CleaningResult, SourceSegment } from '../compaction/cleaning-job.ts'
import { CleanerClosed } from '../compaction/pace.ts'
import { commitSwap, completeSwap } from '../compaction/segment-swap.ts'
import { forgetAborted } from '../producers/producer-snapshots.ts'
import { Segment } from '../segment/segment.ts'
import { writeSidecarBytes } from '../segment/segment-closing.ts'
import { decodeSidecarHead } from '../segment/segment-sidecar.ts'
import { SyncFailure } from '../sync/sync-failure.ts'
import type { LogParts } from './log-parts.ts'

/** What is the same for all partitions. */
export type CleaningTerms = Pick<
  CleaningJob,
  'now' | 'dedupeBytes' | 'bytesPerSecond' | 'maxDecompressedBytes' | 'secret'
>

/** Runs a pass somewhere. */
export type RunCleaning = (job: CleaningJob, handOver: HandOver, signal: AbortSignal) => Promise<CleaningResult>

/** Before something that may pass by itself is tried again. */
const patienceMs = 60_000
/** Before a log that has changed meanwhile is looked at again. */
const supersededMs = 1_000
const passing = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'EIO', 'CLEANER_GONE'])

export class LogCompaction {
  readonly #parts: LogParts
  readonly folder: string
  #cleanedTo: number | undefined
  /** On the monotonic clock. */
  #notBefore = 0
  #cancelled = new AbortController()
  #hasToldOfDamage = false

  constructor(parts: LogParts, folder: string) {
    this.#parts = parts
    this.folder = folder
  }

  /** What there is to clean, if it is worth it. */
  async choice(now: number): Promise<CleaningChoice | undefined> {
    const { config, ends, failure, segments, services } = this.#parts
    if (!config.cleanupPolicy.includes('compact') || failure.code !== undefined) return undefined
    // Not over damage: what a key was last may be among it, and what is known of it speaks of the files as they are.
    if (!segments.quarantine.isEmpty) return this.#tellOfDamage()
    if (services.clock.monotonic() < this.#notBefore || segments.all.length < 2) return undefined
    this.#cleanedTo ??= await this.#readCleanedTo()
    const { logStartOffset, lastStableOffset } = ends
    const log = { segments: segments.all, logStartOffset, lastStableOffset, cleanedTo: this.#cleanedTo }
    return cleaningChoice(log, config, now)
  }

  #tellOfDamage(): undefined {
    const { logger } = this.#parts.services
    if (!this.#hasToldOfDamage)
      logger.warn({ folder: this.folder }, 'a log is not compacted while a range of it is in quarantine; it grows')
    this.#hasToldOfDamage = true
  }

  /** What cannot be known, or cannot be, counts as nothing: that costs work only. */
  async #readCleanedTo(): Promise<number> {
    const { owner, segments, services } = this.#parts
    try {
      const offset = await readCleanedOffset(services.disk, this.folder, owner.topicId)
      return offset <= segments.all.at(-1)!.baseOffset ? offset : 0
    } catch (error) {
      const fields = { folder: this.folder, error: (error as Error).message }
      services.logger.warn(fields, 'cannot read how far a log was compacted; all of it is gone over')
      return 0
    }
  }

  /** The log ends: a pass over it gives up soon, and changes nothing from now on. */
  cancel(): void {
    this.#cancelled.abort()
  }

  /** One pass. Never rejects. */
  async clean(choice: CleaningChoice, terms: CleaningTerms, run: RunCleaning): Promise<void> {
    const { failure, services } = this.#parts
    const began = services.clock.monotonic()
    const job = this.#job(choice, terms)
    let takenTo = 0
    try {
      const { transactions } = this.#parts.producers
      await this.#forgetAborted(this.#cleanedTo ?? 0)
      // Before anything is gone from the log, it says that something may be.
      if (!this.#cleanedTo) await this.#noteCleaned(0)
      const takeNext: HandOver = async group => {
        await this.#take(group)
        takenTo = group.nextOffset
      }
      const result = await run(job, takeNext, this.#cancelled.signal)
      await this.#noteCleaned(result.cleanedTo)
      transactions.forgetAborted(result.cleanedTo)
      const ms = Math.round(services.clock.monotonic() - began)
      services.logger.info({ folder: this.folder, ...result, ms }, 'compacted a log')
    } catch (error) {
      if (failure.code === undefined && !(error instanceof CleanerClosed))
        this.#noteFailure(this.#hasChanged(job, takenTo) ? new Superseded() : (error as NodeJS.ErrnoException))
    }
  }

  #noteFailure(error: NodeJS.ErrnoException): void {
    const { clock, logger } = this.#parts.services
    const fields = { folder: this.folder, error: error.message }
    if (error instanceof Superseded) {
      this.#notBefore = clock.monotonic() + supersededMs
      logger.info(fields, 'a log changed while it was compacted; it is looked at again')
      return
    }
    const mayPass = passing.has(error.code ?? '')
    this.#notBefore = mayPass ? clock.monotonic() + patienceMs : Number.POSITIVE_INFINITY
    if (mayPass) logger.warn(fields, 'could not compact a log; it is as it was, and tried again')
    else logger.error(fields, 'cannot compact a log; it is as it was, and not tried again before a restart')
  }

  #job({ dirtyFrom, dirtyEnd }: CleaningChoice, terms: CleaningTerms): CleaningJob {
    const { config, producers, segments } = this.#parts
    const { deleteRetentionMs, segmentBytes, indexIntervalBytes } = config
    const sources = segments.all.slice(0, -1).filter(({ baseOffset }) => baseOffset < dirtyEnd)
    return {
      ...terms,
      ...{ folder: this.folder, dirtyFrom, dirtyEnd, deleteRetentionMs, segmentBytes, indexIntervalBytes },
      segments: sources.map(({ baseOffset, nextOffset, size, epochs }) => ({ baseOffset, nextOffset, size, epochs })),
      aborted: producers.transactions.abortedWithin(0, dirtyEnd),
      lastOffsets: producers.lastOffsets(dirtyEnd),
    }
  }

  /** A cleaned segment takes the place of its sources: one change of closed segments at a time. */
  #take(group: CleanedGroup): Promise<void> {
    return this.#parts.closedChanges.run(async () => {
      const { segments, tail, writer } = this.#parts
      const sources = this.#sourcesOf(group)
      await writer.idle()
      await this.#commit(group)
      const segment = new Segment(this.folder, group.baseOffset)
      segment.describe(decodeSidecarHead(group.sidecar)!, segment.decodeIndex(group.sidecar))
      const replaced = await segments.replace(sources, segment, () => this.#complete(group))
      if (!replaced) throw new SyncFailure('a cleaned segment could not take its place; a restart completes it')
      tail.dropBefore(group.nextOffset)
      await this.#describe(segment, group.sidecar)
    })
  }

  #sourcesOf({ sources }: CleanedGroup): Segment[] {
    const { config, failure, segments } = this.#parts
    const found = this.#stillThere(sources)
    const mayGo = found !== undefined && segments.quarantine.isEmpty && config.cleanupPolicy.includes('compact')
    if (failure.code !== undefined || !mayGo) throw new Superseded()
    return found
  }

  /** Retention may take what a pass has yet to read: that is no failure, whatever the pass makes of it. */
  #hasChanged({ segments }: CleaningJob, takenTo: number): boolean {
    const left = segments.filter(({ baseOffset }) => baseOffset >= takenTo)
    return left.length > 0 && this.#stillThere(left) === undefined
  }

  /** Undefined when any of them is gone or has changed. */
  #stillThere(sources: readonly SourceSegment[]): Segment[] | undefined {
    const closed = this.#parts.segments.all.slice(0, -1)
    const first = closed.findIndex(({ baseOffset }) => baseOffset === sources[0]!.baseOffset)
    const found = first < 0 ? [] : closed.slice(first, first + sources.length)
    const isSame = ({ baseOffset, size }: SourceSegment, i: number) =>
      found[i]?.baseOffset === baseOffset && found[i].size === size
    return sources.every(isSame) ? found : undefined
  }

  /** When nobody knows whether it counts, only a restart finds out: a pass that goes on could be undone by it. */
  async #commit(group: CleanedGroup): Promise<void> {
    const { failure, services } = this.#parts
    try {
      await commitSwap(services.disk, this.folder, group)
    } catch (error) {
      if (error instanceof SyncFailure) failure.noteSync(error)
      throw error
    }
  }

  /** Whatever was committed must be completed, or the partition stops: what is in memory and on the disk would differ. */
  async #complete(group: CleanedGroup): Promise<boolean> {
    const { failure, services } = this.#parts
    const complete = async () => completeSwap(services.disk, this.folder, group, await services.disk.list(this.folder))
    try {
      await complete().catch(complete)
      return true
    } catch (error) {
      failure.noteSync(error)
      return false
    }
  }

  /** Without a sidecar it would be scanned when next needed. */
  async #describe(segment: Segment, sidecar: Uint8Array): Promise<void> {
    const { disk, indexes } = this.#parts.services
    try {
      await writeSidecarBytes(disk, segment, sidecar)
      indexes.mayDrop(segment)
    } catch {
      // Its index stays in memory.
    }
  }

  /** In turn with whatever changes closed segments, and not once the log has ended: its folder may be another's by then. */
  #inTurn(step: () => Promise<void>): Promise<void> {
    return this.#parts.closedChanges.run(async () => {
      if (this.#parts.failure.code !== undefined) throw new Superseded()
      await step()
    })
  }

  #noteCleaned(offset: number): Promise<void> {
    const { owner, services } = this.#parts
    return this.#inTurn(async () => {
      await writeCleanedOffset(services.disk, this.folder, { topicId: owner.topicId, offset })
      this.#cleanedTo = offset
    })
  }

  #forgetAborted(before: number): Promise<void> {
    const { producers, services, writer } = this.#parts
    return this.#inTurn(async () => {
      await writer.idle()
      producers.transactions.forgetAborted(before)
      await forgetAborted(services.disk, this.folder, before)
    })
  }
}

/** The log changed under the pass: retention took segments, the topic went, or is not compacted any more. */
class Superseded extends Error {
  constructor() {
    super('the log has changed meanwhile')
  }
}
