/**
 * LogEngine over a data folder: a folder per partition, files as Kafka names them. FORMAT.md describes every byte.
 *
 *     append ──▶ pending of each partition ──soon: one write each──▶ files ──sync queue──▶ durable: answer, wake readers
 *     read   ◀── tail in memory, else segment files
 */
import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import { type Clock, type Disk, type Random, realRandom } from '@odradek/world'
import { ClockGuard, noteFirstTime } from './clock-guard.ts'
import { Cleaner, type CleanerSettings, defaultCleanerSettings } from './compaction/cleaner.ts'
import { type CleaningRunner, cleaningRunner } from './compaction/cleaning-runner.ts'
import { Traffic } from './compaction/traffic.ts'
import { Scrub } from './damage/scrub.ts'
import type { ScrubPass } from './damage/scrub-file.ts'
import { eachOf } from './each-of.ts'
import { Endings } from './endings.ts'
import type {
  AppendBatch,
  Appended,
  LogConfig,
  LogEngine,
  OffsetAndTime,
  PartitionId,
  PartitionState,
  ProducerInfo,
  ReadRequest,
  ReadResult,
  TopicSpec,
  Trimmed,
  Uuid,
} from './engine.ts'
import { defaultLimits, type EmbeddedEngineLimits } from './engine-limits.ts'
import { partitionKey } from './folder/checkpoint.ts'
import { markClean, takeFolder } from './folder/data-folder.ts'
import { Deletions } from './folder/deletions.ts'
import { LateNotes } from './folder/late-notes.ts'
import { OpenFiles } from './folder/open-files.ts'
import { ownerOf, partitionFolder, putAside, takePartitionFolder } from './folder/partition-folder.ts'
import { isOutOfDescriptors, thriftyDisk } from './folder/thrifty-disk.ts'
import { Housekeeping } from './housekeeping.ts'
import { Journal } from './journal/journal.ts'
import { noteReplayed, nothingReplayed, type ReplayedJournal, replayJournal } from './journal/journal-replay.ts'
import { Lanes } from './lanes.ts'
import { healthOf, type LogHealth } from './log-health.ts'
import { type LogLogger, type LogServices, silent } from './log-services.ts'
import { AppendDeadlines } from './partition/append-deadlines.ts'
import { AppendRequest } from './partition/append-request.ts'
import { PartitionLog } from './partition/partition-log.ts'
import { PartitionOpenings } from './partition/partition-openings.ts'
import { TailCache } from './partition/tail-cache.ts'
import { recoverLog } from './recovery/partition-recovery.ts'
import { RecoverySummary } from './recovery/recovery-summary.ts'
import { SegmentIndexes } from './segment/segment-indexes.ts'
import { CoalescedSync } from './sync/coalesced-sync.ts'
import { SyncQueue } from './sync/sync-queue.ts'

export interface EmbeddedEngineOptions {
  clock: Clock
  disk: Disk
  /** Absolute. Made when missing. */
  folder: string
  /** Larger at each start. */
  leaderEpoch: number
  logger?: LogLogger
  random?: Random
  limits?: Partial<EmbeddedEngineLimits>
  /** May give something else each time. */
  cleaner?: () => Partial<CleanerSettings>
}

/** Partitions opened, made, rolled or closed at the same time. */
const width = 16

export class EmbeddedEngine implements LogEngine {
  readonly #services: LogServices
  readonly #clean: boolean
  readonly #replayed: ReplayedJournal
  readonly #journal: Journal | undefined
  readonly #guard: ClockGuard
  readonly #deadlines: AppendDeadlines
  readonly #logs = new Map<PartitionId, PartitionLog>()
  readonly #openings = new PartitionOpenings(width)
  readonly #summary: RecoverySummary
  /** Partitions that have something to write when this turn ends. */
  #turn: Set<PartitionLog> | undefined
  readonly #housekeeping: Housekeeping
  readonly #scrub: Scrub
  readonly #cleaner: Cleaner
  #closed = false

  private constructor(
    services: LogServices,
    limits: EmbeddedEngineLimits,
    found: {
      clean: boolean
      replayed: ReplayedJournal
      journal: Journal | undefined
      random: Random
      runner: CleaningRunner
      cleaner: () => CleanerSettings
    },
  ) {
    const { clock, checkpoint } = services
    this.#services = services
    this.#summary = new RecoverySummary(clock, services.logger)
    this.#clean = found.clean
    this.#replayed = found.replayed
    this.#journal = found.journal
    this.#guard = new ClockGuard(checkpoint.lastWallTime, clock.now(), clock.monotonic())
    this.#deadlines = new AppendDeadlines(clock)
    this.#cleaner = new Cleaner({
      ...{ services, random: found.random, runner: found.runner, settings: found.cleaner },
      logs: () => Array.from(this.#logs.values(), log => log.compaction),
      isClockTrusted: () => this.#guard.look(clock.now(), clock.monotonic()),
    })
    const logs = () => this.#logs.values()
    this.#housekeeping = new Housekeeping(services, this.#guard, logs, limits.retentionCheckMs)
    this.#scrub = new Scrub(services, logs, limits.scrubBytesPerSecond)
  }

  /** Takes the folder. Rejects with a UsageError when it cannot be written, or was written by a newer release. */
  static async start(options: EmbeddedEngineOptions): Promise<EmbeddedEngine> {
    const { clock, folder, leaderEpoch, logger = silent, random = realRandom } = options
    const limits = { ...defaultLimits, ...options.limits }
    const disk = thriftyDisk(options.disk, () => files.makeRoom())
    const files = new OpenFiles(disk, limits.openFiles)
    const { checkpoint, clean } = await takeFolder(clock, disk, folder, logger)
    const replayed = clean ? nothingReplayed : await replayJournal(disk, folder, logger)
    noteReplayed(checkpoint, replayed, logger)
    await noteFirstTime(checkpoint, clock.now())
    const { sequence } = replayed
    const { journalBytes: pieceBytes, journaledBytes: largestBytes } = limits
    const journal =
      pieceBytes > 0 ? new Journal({ clock, disk, root: folder, sequence, pieceBytes, logger }) : undefined
    const deletions = new Deletions(clock, disk)
    for (const name of await disk.list(folder)) if (name.endsWith('-delete')) deletions.later(`${folder}/${name}`, 0)
    const services: LogServices = {
      ...{ clock, disk, folder, leaderEpoch, files, checkpoint, deletions, logger, traffic: new Traffic() },
      describeBytes: limits.describeBytes,
      lanes: new Lanes(width),
      names: new CoalescedSync(() => disk.syncFolder(folder), { afterFailure: 'anew' }),
      syncs: new SyncQueue(limits.syncs, journal && { journal, largestBytes }),
      lateNotes: new LateNotes(clock),
      journaledBytes: journal === undefined ? 0 : largestBytes,
      tails: new TailCache({ limit: limits.tailBytes, limitEach: limits.tailBytesEach }),
      indexes: new SegmentIndexes(disk, files, limits.indexBytes),
    }
    const runner = cleaningRunner(options.disk, clock, services.traffic)
    const cleaner = () => ({ ...defaultCleanerSettings, ...options.cleaner?.() })
    const engine = new EmbeddedEngine(services, limits, { clean, replayed, journal, random, runner, cleaner })
    await engine.#scrub.start(limits.scrubBytesPerSecond)
    return engine
  }

  append(
    batches: readonly AppendBatch[],
    { acks, deadline }: { acks: 0 | 1 | -1; deadline: number },
  ): Promise<Appended[]> {
    if (batches.length === 0) return Promise.resolve([])
    const request = new AppendRequest(batches.length, acks, deadline)
    for (const [slot, batch] of batches.entries()) {
      const log = this.#logs.get(batch.partition)
      if (log === undefined || this.#closed) request.answer(slot, { ok: false, error: this.#absent() })
      else {
        log.enqueue({ request, slot, batch })
        this.#writeSoon(log)
      }
    }
    if (!request.isAnswered) {
      this.#deadlines.watch(request)
      void request.done.then(() => this.#deadlines.answered(request))
    }
    return request.done
  }

  #absent(): ErrorCode {
    return this.#closed ? ErrorCodes.KAFKA_STORAGE_ERROR : ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION
  }

  /** Batches of many requests, gathered over a turn, share one write. */
  #writeSoon(log: PartitionLog): void {
    if (this.#turn === undefined) {
      this.#turn = new Set()
      this.#services.traffic.note()
      this.#services.clock.soon(() => {
        const logs = this.#turn!
        this.#turn = undefined
        for (const each of logs) each.writePending()
      })
    }
    this.#turn.add(log)
  }

  async read(
    reads: readonly ReadRequest[],
    { maxBytes, minOne }: { maxBytes: number; minOne: boolean },
  ): Promise<ReadResult[]> {
    const results: ReadResult[] = []
    let left = maxBytes
    let isFirst = minOne
    for (const request of reads) {
      const log = this.#logs.get(request.partition)
      if (log === undefined || this.#closed) {
        results.push({ ok: false, error: this.#absent() })
        continue
      }
      const answer = log.read(request, Math.min(request.maxBytes, left), isFirst)
      const result = answer instanceof Promise ? await answer : answer
      results.push(result)
      if (!result.ok || result.chunks.length === 0) continue
      isFirst = false
      for (const chunk of result.chunks) left = Math.max(0, left - chunk.length)
    }
    return results
  }

  onGrowth(partitions: readonly PartitionId[], known: readonly number[], signal: AbortSignal): Promise<void> {
    const logs = partitions.map(id => this.#logs.get(id))
    const isNews = (log: PartitionLog | undefined, i: number) =>
      log === undefined || log.failure !== undefined || log.highWatermark !== known[i]
    if (signal.aborted || logs.some(isNews)) return Promise.resolve()
    return new Promise(resolve => {
      const wake = () => {
        for (const log of logs) log!.waiters.removeReader(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      for (const log of logs) log!.waiters.addReader(wake)
      signal.addEventListener('abort', wake)
    })
  }

  isOffline(partition: PartitionId): boolean {
    return this.#logs.get(partition)?.failure !== undefined
  }

  async state(partitions: readonly PartitionId[]): Promise<(PartitionState | null)[]> {
    return partitions.map(id => this.#logs.get(id)?.state ?? null)
  }

  async offsetForTime(
    queries: readonly { partition: PartitionId; timestamp: number | 'max' }[],
  ): Promise<OffsetAndTime[]> {
    const nowhere = { offset: -1, timestamp: -1, leaderEpoch: -1 }
    return Promise.all(
      queries.map(
        async ({ partition, timestamp }) => (await this.#logs.get(partition)?.offsetForTime(timestamp)) ?? nowhere,
      ),
    )
  }

  async offsetForEpoch(
    queries: readonly { partition: PartitionId; epoch: number }[],
  ): Promise<{ epoch: number; endOffset: number }[]> {
    return queries.map(
      ({ partition, epoch }) => this.#logs.get(partition)?.offsetForEpoch(epoch) ?? { epoch: -1, endOffset: -1 },
    )
  }

  trim(queries: readonly { partition: PartitionId; before: number }[]): Promise<Trimmed[]> {
    return Promise.all(
      queries.map(
        async ({ partition, before }): Promise<Trimmed> =>
          (await this.#logs.get(partition)?.trim(before)) ?? { ok: false, error: this.#absent() },
      ),
    )
  }

  async producers(partition: PartitionId): Promise<ProducerInfo[]> {
    return this.#logs.get(partition)?.producers() ?? []
  }

  open(topic: TopicSpec): Promise<void> {
    const { partitions } = topic
    return this.#summary.during(() =>
      this.#openings.open(partitions, ({ index, id }) => this.#openPartition(topic, index, id)),
    )
  }

  async #openPartition(topic: TopicSpec, index: number, id: PartitionId): Promise<void> {
    const open = this.#logs.get(id)
    if (open !== undefined) {
      open.config = topic.config
      return
    }
    const { checkpoint, folder: root, logger } = this.#services
    const owner = { topicId: topic.topicId, topic: topic.name, index }
    const folder = partitionFolder(root, owner)
    const key = partitionKey(topic.topicId, index)
    try {
      const names = this.#replayed.folders.get(key)
      this.#replayed.folders.delete(key)
      if (names === undefined) await takePartitionFolder(this.#services, folder, owner)
      if (this.#replayed.failures.has(key)) throw this.#replayed.failures.get(key)
      const recovered = await recoverLog(this.#services, {
        ...{ folder, names },
        ends: checkpoint.find(key),
        clean: this.#clean,
        isCompacted: topic.config.cleanupPolicy.includes('compact'),
        indexIntervalBytes: topic.config.indexIntervalBytes,
      })
      this.#summary.note(recovered)
      this.#logs.set(id, new PartitionLog(this.#services, owner, topic.config, recovered))
    } catch (error) {
      // Without descriptors nothing was found out about it.
      if (isOutOfDescriptors(error)) throw error
      logger.error(
        { folder, error: (error as Error).message },
        'cannot open a partition: it stays offline, nothing in it is changed',
      )
      this.#logs.set(id, new PartitionLog(this.#services, owner, topic.config, undefined))
    }
  }

  /** Goes on when a partition fails, and rejects at the end: whoever asks again, after a restart too, has the rest removed. */
  async drop(topicId: Uuid): Promise<void> {
    const failures: unknown[] = []
    for (const [id, log] of this.#logs) {
      if (log.owner.topicId !== topicId) continue
      this.#logs.delete(id)
      await log.drop().catch(error => failures.push(error))
    }
    await this.#dropUnopened(topicId).catch(error => failures.push(error))
    if (failures.length > 0) throw failures[0]
  }

  /** A crash may have come between the deletion of a topic and that of its bytes. */
  async #dropUnopened(topicId: Uuid): Promise<void> {
    const { disk, folder, deletions, checkpoint } = this.#services
    for (const name of await disk.list(folder)) {
      const index = /-(\d+)$/.exec(name)?.[1]
      if (index === undefined || (await ownerOf(disk, `${folder}/${name}`).catch(() => undefined)) !== topicId) continue
      const aside = await putAside(disk, `${folder}/${name}`, `${topicId}-${index}-delete`)
      if (aside !== undefined) deletions.later(aside, 0)
      const key = partitionKey(topicId, Number(index))
      this.#replayed.folders.delete(key)
      const slot = checkpoint.find(key)
      if (slot !== undefined) checkpoint.free(slot)
    }
  }

  /** What is damaged or offline, and how the scrub goes. */
  health(): LogHealth {
    return healthOf(this.#logs.values(), this.#scrub.status)
  }

  /** One pass of the scrub, at its rate, beside those that come by themselves. */
  scrub(): Promise<ScrubPass> {
    return this.#scrub.pass()
  }

  configure(partitions: readonly PartitionId[], config: LogConfig): void {
    for (const id of partitions) {
      const log = this.#logs.get(id)
      if (log !== undefined) log.config = config
    }
  }

  async close({ drain }: { drain: boolean }): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#housekeeping.stop()
    const { checkpoint, files, deletions, lateNotes, logger } = this.#services
    const endings = new Endings(logger)
    await endings.end('scrub', this.#scrub.stop())
    const logs = [...this.#logs.values()]
    if (drain) await eachOf(logs, width, log => endings.end(log.folder, log.drain()))
    const isSound = drain && this.#replayed.failures.size === 0 && logs.every(log => log.failure === undefined)
    const cleaned = endings.end('cleaner', this.#cleaner.close())
    await eachOf(logs, width, log => endings.end(log.folder, log.stop()))
    await cleaned
    lateNotes.close()
    const isDurable = isSound && endings.inOrder
    await endings.end('journal', this.#journal?.close({ settled: isDurable }))
    this.#deadlines.close()
    await endings.end('deletions', deletions.close())
    if (isDurable) await this.#leaveMark()
    await endings.end('files', files.closeAll())
    await endings.end('checkpoint', checkpoint.close())
  }

  /** When it cannot be left nothing is lost: the next start looks at the logs. */
  async #leaveMark(): Promise<void> {
    const { checkpoint, clock, disk, folder, logger } = this.#services
    try {
      this.#guard.look(clock.now(), clock.monotonic())
      checkpoint.lastWallTime = this.#guard.believed(clock.monotonic())
      await checkpoint.sync()
      await markClean(disk, folder)
    } catch (error) {
      logger.error(
        { folder, error: (error as Error).message },
        'cannot leave the mark of an orderly shutdown; the next start will look at the logs',
      )
    }
  }
}
