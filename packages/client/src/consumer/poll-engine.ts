/** The consumer engine at work: partitions, the fetcher, the position finder and the group session, turned by `poll`. See engine.ts. */
import { CorruptionError, DecodeError, UsageError } from '@odradek/protocol'
import type { Timer } from '@odradek/world'
import { untilAborted } from '../cluster/abandon.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { AssignedPartition, Need } from './assigned-partition.ts'
import { AssignedPartitions } from './assigned-partitions.ts'
import { stalledChannel } from './diagnostics.ts'
import type {
  CommittedOffset,
  ConsumerEngine,
  EngineHealth,
  EngineOptions,
  EngineState,
  GroupMembership,
  OffsetToCommit,
  PartitionBatch,
} from './engine.ts'
import { defaultMaxRecords, type EngineSettings, settingsOf } from './engine-settings.ts'
import { Fetcher } from './fetcher.ts'
import type { Job, MemberSession } from './member-session.ts'
import { OffsetCommits } from './offset-commits.ts'
import { OffsetLookup } from './offset-lookup.ts'
import { OffsetQueries } from './offset-queries.ts'
import { PositionFinder } from './position-finder.ts'
import { memberSession } from './session-choice.ts'
import { startOf } from './start-position.ts'
import type { TopicPartition } from './topic-partition.ts'
import { without } from './topic-partition.ts'
import { Trouble } from './trouble.ts'
import { Wakeup } from './wakeup.ts'

/** Names connections, so that engines of one handle do not wait for each other. */
let engines = 0

export class PollEngine implements ConsumerEngine {
  readonly #cluster: Cluster
  readonly #settings: EngineSettings
  readonly #purpose = `consumer${++engines}`
  readonly #partitions = new AssignedPartitions()
  readonly #trouble: Trouble
  readonly #fetcher: Fetcher
  readonly #finder: PositionFinder
  readonly #lookup: OffsetLookup
  readonly #commits: OffsetCommits | undefined
  readonly #wakeup: Wakeup
  readonly #unwatch: () => void
  #session: MemberSession | undefined
  #watchdog: Timer | undefined
  #polling: Promise<unknown> | undefined
  #lastPoll: number | null = null
  #lastProgress: number | null = null
  #isStalled = false
  #isPollDue = false
  #isLostTold = false
  #closing: Promise<void> | undefined
  #isClosed = false

  constructor(cluster: Cluster, options: EngineOptions) {
    const settings = settingsOf(options)
    const { clock } = cluster
    const partitions = () => this.#partitions
    this.#cluster = cluster
    this.#settings = settings
    this.#wakeup = new Wakeup(clock)
    const { groupId, retryForMs: limitMs, rackId } = settings
    const trouble = new Trouble({ clock, group: groupId, limitMs, onFatal: () => this.#failed() })
    const queries = new OffsetQueries(cluster, settings.isolation)
    this.#trouble = trouble
    this.#lookup = new OffsetLookup(cluster, queries, settings.autoCreateTopics)
    const onPlaced = () => this.#fetcher.pump()
    const session = () => this.#session
    this.#finder = new PositionFinder({ ...settings, cluster, queries, trouble, partitions, session, onPlaced })
    const onArrival = () => this.#wakeup.notify()
    const onOutOfRange = (p: AssignedPartition, reason: string) => {
      this.#commits?.forget(p) // what is committed from now on may be lower
      this.#finder.reset(p, reason)
    }
    const shared = { cluster, trouble, purpose: this.#purpose, partitions, onArrival, onOutOfRange }
    this.#fetcher = new Fetcher({ ...settings, ...shared, rackId: rackId ?? '' })
    const isAssigned = (at: TopicPartition) => this.#partitions.find(at) !== undefined
    if (groupId !== undefined)
      this.#commits = new OffsetCommits({ ...settings, cluster, groupId, session, isAssigned, timeoutMs: 60_000 })
    this.#unwatch = cluster.onMetadata(() => this.#metadataChanged())
  }

  get wantsPoll(): boolean {
    if (this.#isPollDue || this.#session?.hasJob) return true
    return this.#trouble.fatal !== undefined || this.#closing !== undefined
  }

  subscribe(topics: readonly string[] | RegExp): void {
    this.#mustBeOpen()
    const { groupId } = this.#settings
    if (groupId === undefined) throw new UsageError('subscribe needs a `group`; without one, use assign')
    if (!this.#session && this.#partitions.size > 0)
      throw new UsageError('partitions were assigned by hand: use another consumer to subscribe')
    this.#session ??= memberSession(this.#settings, {
      ...this.#settings,
      groupId,
      cluster: this.#cluster,
      trouble: this.#trouble,
      purpose: this.#purpose,
      rebalanceTimeoutMs: this.#settings.maxPollIntervalMs,
      onJob: () => this.#wakeup.notify(),
      onLost: () => this.#doomed(),
    })
    this.#session.subscribe(topics instanceof RegExp ? { pattern: topics } : { topics })
  }

  assign(partitions: readonly TopicPartition[]): void {
    this.#mustBeOpen()
    if (this.#session) throw new UsageError('this consumer is subscribed: use another one to assign partitions by hand')
    this.#drop(without(this.#partitions.list(), partitions))
    this.#add(partitions)
  }

  async poll(maxMs: number, options: { maxRecords?: number; signal?: AbortSignal } = {}): Promise<PartitionBatch[]> {
    this.#mustBeOpen()
    if (this.#polling) throw new UsageError('a poll is under way: wait for it before the next')
    const { clock } = this.#cluster
    this.#watchdog?.cancel()
    this.#isStalled = false
    this.#isPollDue = false
    this.#lastPoll = clock.monotonic()
    const polling = this.#poll(this.#lastPoll + maxMs, options.maxRecords ?? defaultMaxRecords, options.signal)
    this.#polling = polling
    try {
      return await polling
    } finally {
      this.#polling = undefined
      if (!this.#isClosed) this.#watch()
    }
  }

  async commit(offsets: readonly OffsetToCommit[], options: { signal?: AbortSignal } = {}): Promise<void> {
    if (!this.#commits) throw new UsageError('there is no `group` to commit offsets for')
    await this.#commits.commit(offsets, options.signal)
  }

  async committed(
    partitions: readonly TopicPartition[],
    options: { signal?: AbortSignal } = {},
  ): Promise<(CommittedOffset | null)[]> {
    const { groupId } = this.#settings
    if (groupId === undefined) throw new UsageError('there is no `group` that could have committed offsets')
    return this.#lookup.committed(groupId, partitions, options.signal)
  }

  offsetsFor(
    partitions: readonly TopicPartition[],
    at: 'earliest' | 'latest' | { timestamp: number },
    options: { signal?: AbortSignal } = {},
  ): Promise<(number | null)[]> {
    return this.#lookup.offsetsFor(partitions, at, options.signal)
  }

  partitionsOf(topic: string, options: { signal?: AbortSignal } = {}): Promise<number> {
    return this.#lookup.partitionsOf(topic, options.signal)
  }

  assignment(): TopicPartition[] {
    return this.#partitions.list()
  }

  position(at: TopicPartition): number | undefined {
    return this.#partitions.get(at).position
  }

  seek(at: TopicPartition, to: number | 'earliest' | 'latest' | { timestamp: number }): void {
    const p = this.#partitions.get(at)
    this.#commits?.forget(at)
    const start = startOf(to, at)
    if (start !== 'fail' && 'offset' in start) p.place(start.offset, -1)
    else p.lookFor({ kind: 'start', start, reason: 'seek' })
    this.#go()
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const at of partitions) this.#partitions.get(at).isPaused = true
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const at of partitions) this.#partitions.get(at).isPaused = false
    this.#wakeup.notify()
    this.#go()
  }

  paused(): TopicPartition[] {
    return this.assignment().filter(at => this.#partitions.get(at).isPaused)
  }

  lag(at: TopicPartition): number | undefined {
    return this.#partitions.get(at).lag
  }

  membership(): GroupMembership {
    const { groupId = '', groupInstanceId } = this.#settings
    const { memberId = '', generation = -1 } = this.#session?.standing ?? {}
    return { groupId, groupInstanceId, memberId, generation, isSubscribed: this.#session !== undefined }
  }

  requestRejoin(reason: string): void {
    this.#session?.requestRejoin(reason)
  }

  health(): EngineHealth {
    const now = this.#cluster.clock.monotonic()
    const since = (moment: number | null) => (moment === null ? null : Math.round(now - moment))
    const lag = [...this.#partitions].reduce((sum, p) => sum + (p.lag ?? 0), 0)
    const error = this.#trouble.fatal
    return {
      state: this.#state(),
      sinceLastPollMs: this.#polling ? 0 : since(this.#lastPoll),
      sinceLastProgressMs: since(this.#lastProgress),
      assignment: this.assignment(),
      lag,
      ...(error && { error }),
    }
  }

  close(options: { leaveGroup?: boolean; signal?: AbortSignal } = {}): Promise<void> {
    this.#closing ??= this.#close(options.leaveGroup ?? true, options.signal)
    return this.#closing
  }

  async #poll(deadline: number, maxRecords: number, signal: AbortSignal | undefined): Promise<PartitionBatch[]> {
    this.#session?.polled()
    for (;;) {
      const ranHooks = await this.#runJobs()
      if (this.#trouble.fatal) await this.#giveUp(this.#trouble.fatal)
      if (this.#closing) return []
      const damage = this.#partitions.takeDamage()
      if (damage) {
        this.#fetcher.pump()
        throw damage
      }
      const { batches, hasMoved } = this.#partitions.take(maxRecords, (p, error) => this.#damaged(p, error))
      const now = this.#cluster.clock.monotonic()
      if (hasMoved) {
        this.#lastProgress = now
        this.#fetcher.pump()
      }
      if (hasMoved || ranHooks || batches.length > 0 || now >= deadline || signal?.aborted) return batches
      await this.#wakeup.wait(deadline - now, signal)
    }
  }

  /** True when there was one. A hook that throws ends the engine. */
  async #runJobs(): Promise<boolean> {
    let ran = false
    for (let job = this.#session?.takeJob(); job && !this.#closing; job = this.#session!.takeJob()) {
      try {
        await this.#runJob(job)
      } catch (error) {
        this.#trouble.fail(error)
        return true
      }
      this.#session!.jobDone()
      ran = true
    }
    return ran
  }

  async #runJob(job: Job): Promise<void> {
    const { hooks } = this.#settings
    if (job.kind === 'release') {
      await (job.lost ? hooks.onLost?.(job.partitions) : hooks.onRevoked?.(job.partitions))
      this.#drop(job.partitions)
      return
    }
    const { memberId, generation } = this.#session!.standing
    await job.divided?.assignor.onAssigned?.(job.divided.assignment, { memberId, generation })
    if (job.revoked.length > 0) {
      await hooks.onRevoked?.(job.revoked)
      this.#drop(job.revoked)
    }
    if (job.added.length > 0) {
      this.#add(job.added)
      await hooks.onAssigned?.(job.added)
    }
  }

  #add(partitions: readonly TopicPartition[]): void {
    const { groupId, from, partitionMaxBytes } = this.#settings
    const needOf = (at: TopicPartition): NonNullable<Need> =>
      groupId === undefined ? { kind: 'start', start: startOf(from, at), reason: 'no group' } : { kind: 'committed' }
    this.#partitions.add(partitions, partitionMaxBytes, needOf)
    this.#go()
  }

  #drop(partitions: readonly TopicPartition[]): void {
    for (const at of partitions) this.#commits?.forget(at)
    this.#partitions.drop(partitions)
  }

  #go(): void {
    this.#finder.wake()
    this.#fetcher.pump()
  }

  #damaged(p: AssignedPartition, error: unknown): void {
    const isInTheBytes = error instanceof CorruptionError || error instanceof DecodeError
    if (isInTheBytes) this.#fetcher.damaged(p, error)
    else this.#trouble.fail(error)
  }

  /** A new leader may not have all that the old one had: check before fetching on. */
  #metadataChanged(): void {
    for (const p of this.#partitions) {
      const current = this.#cluster.topic(p.topic)?.partitions[p.partition]?.leaderEpoch ?? -1
      if (p.positionEpoch >= 0 && current > Math.max(p.positionEpoch, p.validatedEpoch)) p.validate()
    }
    this.#go()
  }

  #doomed(): void {
    this.#settings.hooks.onDoomed?.(this.assignment())
    this.#wakeup.notify()
  }

  #failed(): void {
    // A session tells what is doomed itself.
    if (this.#session) this.#session.fail()
    else this.#doomed()
  }

  /** What is owned is lost, and said to be lost once; then every poll throws what ended the engine. */
  async #giveUp(error: Error): Promise<never> {
    await this.#tellLost()
    throw error
  }

  async #tellLost(): Promise<void> {
    const owned = this.assignment()
    if (this.#isLostTold || !this.#session || owned.length === 0) return
    this.#isLostTold = true
    await this.#settings.hooks.onLost?.(owned)
    this.#drop(owned)
  }

  /** Half of the poll interval is a hint, all of it the end of the membership. */
  #watch(): void {
    const { maxPollIntervalMs, groupId } = this.#settings
    const { clock } = this.#cluster
    const stalled = () => {
      this.#isStalled = true
      stalledChannel.publish({ group: groupId, sinceLastPollMs: maxPollIntervalMs })
      this.#session?.pollOverdue()
    }
    this.#watchdog = clock.timer(maxPollIntervalMs / 2, () => {
      this.#isPollDue = true
      this.#watchdog = clock.timer(maxPollIntervalMs / 2, stalled)
    })
  }

  #state(): EngineState {
    if (this.#isClosed) return 'closed'
    if (this.#trouble.fatal) return 'failed'
    if (this.#isStalled) return 'stalled'
    if (!this.#session) return this.#partitions.size > 0 ? 'running' : 'idle'
    return this.#session.standing.isSettled ? 'running' : 'joining'
  }

  #mustBeOpen(): void {
    if (this.#closing) throw new UsageError('the consumer is closed: make a new one to go on')
  }

  async #close(leaveGroup: boolean, signal: AbortSignal | undefined): Promise<void> {
    this.#wakeup.notify()
    const polled = Promise.resolve(this.#polling).then(
      () => {},
      () => {},
    ) // its caller hears of it
    await untilAborted(polled, signal)
    try {
      await untilAborted(this.#releaseAll(), signal)
    } finally {
      this.#drop(this.assignment())
      this.#isClosed = true
      this.#watchdog?.cancel()
      this.#unwatch()
      this.#finder.close()
      this.#fetcher.close()
      await this.#session?.close(leaveGroup, signal)
    }
  }

  async #releaseAll(): Promise<void> {
    if (this.#trouble.fatal || this.#session?.standing.isLost) return this.#tellLost()
    const owned = this.assignment()
    if (this.#session && owned.length > 0) await this.#settings.hooks.onRevoked?.(owned)
    this.#drop(owned)
  }
}

/** An engine on a handle's connections and metadata. Close it before the handle. */
export function createConsumerEngine(cluster: Cluster, options: EngineOptions = {}): ConsumerEngine {
  return new PollEngine(cluster, options)
}
