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
import type { CleanedGroup, CleaningJob, CleaningResult } from '../compaction/cleaning-job.ts'
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
export type RunCleaning = (job: CleaningJob, handOver: HandOver) => Promise<CleaningResult>

/** Before something that may pass by itself is tried again. */
const patienceMs = 60_000
const passing = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'EIO', 'CLEANER_GONE'])

export class LogCompaction {
  readonly #parts: LogParts
  readonly #folder: string
  #cleanedTo: number | undefined
  /** On the monotonic clock. */
  #notBefore = 0

  constructor(parts: LogParts, folder: string) {
    this.#parts = parts
    this.#folder = folder
  }

  /** What there is to clean, if it is worth it. */
  async choice(now: number): Promise<CleaningChoice | undefined> {
    const { config, ends, failure, segments, services } = this.#parts
    if (!config.cleanupPolicy.includes('compact') || failure.code !== undefined) return undefined
    // Not over damage: what a key was last may be among it, and what is known of it speaks of the files as they are.
    if (!segments.quarantine.isEmpty) return undefined
    if (services.clock.monotonic() < this.#notBefore || segments.all.length < 2) return undefined
    this.#cleanedTo ??= await readCleanedOffset(services.disk, this.#folder)
    const { logStartOffset, lastStableOffset } = ends
    const log = { segments: segments.all, logStartOffset, lastStableOffset, cleanedTo: this.#cleanedTo }
    return cleaningChoice(log, config, now)
  }

  /** One pass. Never rejects. */
  async clean(choice: CleaningChoice, terms: CleaningTerms, run: RunCleaning): Promise<void> {
    const { failure, services } = this.#parts
    const began = services.clock.monotonic()
    try {
      const { transactions } = this.#parts.producers
      await this.#forgetAborted(this.#cleanedTo ?? 0)
      await this.#noteBegun()
      const result = await run(this.#job(choice, terms), group => this.#take(group))
      await writeCleanedOffset(services.disk, this.#folder, result.cleanedTo)
      this.#cleanedTo = result.cleanedTo
      transactions.forgetAborted(result.cleanedTo)
      const ms = Math.round(services.clock.monotonic() - began)
      services.logger.info({ folder: this.#folder, ...result, ms }, 'compacted a log')
    } catch (error) {
      if (failure.code === undefined && !(error instanceof CleanerClosed))
        this.#noteFailure(error as NodeJS.ErrnoException)
    }
  }

  #noteFailure(error: NodeJS.ErrnoException): void {
    const { clock, logger } = this.#parts.services
    const mayPass = error instanceof Superseded || passing.has(error.code ?? '')
    this.#notBefore = mayPass ? clock.monotonic() + patienceMs : Number.POSITIVE_INFINITY
    const fields = { folder: this.#folder, error: error.message }
    if (mayPass) logger.warn(fields, 'could not compact a log; it is as it was, and tried again')
    else logger.error(fields, 'cannot compact a log; it is as it was, and not tried again before a restart')
  }

  #job({ dirtyFrom, dirtyEnd }: CleaningChoice, terms: CleaningTerms): CleaningJob {
    const { config, producers, segments } = this.#parts
    const { deleteRetentionMs, segmentBytes, indexIntervalBytes } = config
    const sources = segments.all.slice(0, -1).filter(({ baseOffset }) => baseOffset < dirtyEnd)
    return {
      ...terms,
      ...{ folder: this.#folder, dirtyFrom, dirtyEnd, deleteRetentionMs, segmentBytes, indexIntervalBytes },
      segments: sources.map(({ baseOffset, nextOffset, size, epochs }) => ({ baseOffset, nextOffset, size, epochs })),
      aborted: producers.transactions.abortedWithin(0, dirtyEnd),
      lastOffsets: producers.lastOffsets(),
    }
  }

  /** A cleaned segment takes the place of its sources: one change of closed segments at a time. */
  #take(group: CleanedGroup): Promise<void> {
    return this.#parts.closedChanges.run(async () => {
      const { segments, tail, writer } = this.#parts
      const sources = this.#sourcesOf(group)
      await writer.idle()
      await this.#commit(group)
      const segment = new Segment(this.#folder, group.baseOffset)
      segment.describe(decodeSidecarHead(group.sidecar)!, segment.decodeIndex(group.sidecar))
      const replaced = await segments.replace(sources, segment, () => this.#complete(group))
      if (!replaced) throw new SyncFailure('a cleaned segment could not take its place; a restart completes it')
      tail.dropBefore(group.nextOffset)
      await this.#describe(segment, group.sidecar)
    })
  }

  #sourcesOf({ sources }: CleanedGroup): Segment[] {
    const { config, failure, segments } = this.#parts
    const closed = segments.all.slice(0, -1)
    const first = closed.findIndex(({ baseOffset }) => baseOffset === sources[0]!.baseOffset)
    const found = first < 0 ? [] : closed.slice(first, first + sources.length)
    const areThere = sources.every(
      ({ baseOffset, size }, i) => found[i]?.baseOffset === baseOffset && found[i].size === size,
    )
    const mayGo = areThere && segments.quarantine.isEmpty && config.cleanupPolicy.includes('compact')
    if (failure.code !== undefined || !mayGo) throw new Superseded()
    return found
  }

  /** When nobody knows whether it counts, only a restart finds out: a pass that goes on could be undone by it. */
  async #commit(group: CleanedGroup): Promise<void> {
    const { failure, services } = this.#parts
    try {
      await commitSwap(services.disk, this.#folder, group)
    } catch (error) {
      if (error instanceof SyncFailure) failure.noteSync(error)
      throw error
    }
  }

  /** Whatever was committed must be completed, or the partition stops: what is in memory and on the disk would differ. */
  async #complete(group: CleanedGroup): Promise<boolean> {
    const { failure, services } = this.#parts
    const complete = async () =>
      completeSwap(services.disk, this.#folder, group, await services.disk.list(this.#folder))
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

  /** Before anything is gone from the log, it says that something may be. */
  async #noteBegun(): Promise<void> {
    if (!this.#cleanedTo) await writeCleanedOffset(this.#parts.services.disk, this.#folder, 0)
  }

  async #forgetAborted(before: number): Promise<void> {
    const { producers, services, writer } = this.#parts
    await writer.idle()
    producers.transactions.forgetAborted(before)
    await forgetAborted(services.disk, this.#folder, before)
  }
}

/** The log changed under the pass: retention took segments, the topic went, or is not compacted any more. */
class Superseded extends Error {
  constructor() {
    super('the log has changed meanwhile')
  }
}
