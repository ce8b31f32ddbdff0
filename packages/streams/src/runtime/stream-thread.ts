import {
  type ConsumerEngine,
  type OffsetToCommit,
  ProtocolError,
  type TopicPartition,
  TransactionError,
} from '@odradek/client'
import { type Clock, sleep } from '@odradek/world'
import type { StreamsLogger } from '../handlers/handlers.ts'
import type { InstanceMetrics } from '../metrics/instance-metrics.ts'
import type { Done } from '../record.ts'
import type { StreamTask } from '../task/stream-task.ts'
import type { ActiveTasks } from './active-tasks.ts'
import type { GlobalStores } from './global-stores.ts'
import type { ProducerCollector } from './producer-collector.ts'
import type { Restorer } from './restorer.ts'
import type { StandbyTasks } from './standby-tasks.ts'
import type { StreamsSettings } from './streams-options.ts'
import { TaskReadiness } from './task-readiness.ts'
import { withinTime } from './task-timeout.ts'
import type { TransactionalOutlet } from './transactional-outlet.ts'
import { untilAborted } from './until-aborted.ts'

export interface StreamThreadOptions {
  clock: Clock
  engine: ConsumerEngine
  restorer: Restorer
  collector: ProducerCollector
  /** With exactly once: what the collector writes to. */
  transactions: TransactionalOutlet | null
  tasks: ActiveTasks
  standbys: StandbyTasks
  globals: GlobalStores
  settings: StreamsSettings
  logger: StreamsLogger
  metrics: InstanceMetrics
  /** Told after each turn: whether the group is at rest and every task restored. */
  onSettled(isSettled: boolean): void
  onCommitted(offsets: readonly OffsetToCommit[]): void
  /** Gives up waiting for brokers: what is under way is abandoned. */
  abandoned: AbortSignal
}

/** Records a task processes before the loop looks up: long enough to be cheap, short enough for a rebalance not to wait. */
const turn = 500
/** The same in time, for callbacks that wait. */
const turnMs = 100
/** Before work that was lost is done again. */
const recoveryPauseMs = 50

/**
 * The loop of an instance: poll, process in turns, commit now and then. Tasks come and go in the hooks of the rebalance, which run
 * inside `poll` and therefore never in the middle of a record.
 *
 * A commit (streams facts 2.31): caches hand on what they held back; everything sent is acknowledged; the offsets are committed, with
 * exactly once all of it in one transaction; then the stores on disk, with the positions of their changelogs. A crash in between
 * processes records again, at least once; or with exactly once nothing of it has happened.
 */
export class StreamThread {
  readonly #options: StreamThreadOptions
  readonly #throttled = new Set<string>()
  readonly #readiness: TaskReadiness
  #lastCommit: number
  #hasFailed = false
  /** Processing rests; the group does not notice. */
  isPaused = false
  /** What ends the thread at its next turn. */
  #doom: Error | undefined
  /** A transaction that was lost inside a hook of the rebalance. */
  #broken: TransactionError | undefined

  constructor(options: StreamThreadOptions) {
    const { clock, engine, settings } = options
    this.#options = options
    this.#lastCommit = clock.monotonic()
    this.#readiness = new TaskReadiness({
      maxTaskIdleMs: settings.maxTaskIdleMs,
      now: () => clock.monotonic(),
      lagOf: at => engine.lag(at),
    })
  }

  /** Runs until the signal aborts. Throws what ends it; nothing is committed after that. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) await this.#turn(signal)
    } catch (error) {
      this.#hasFailed = true
      throw error
    }
  }

  /** Ends the thread. */
  doom(error: Error): void {
    this.#doom ??= error
  }

  /** New tasks are made, and restored while the thread goes on. */
  async assigned(partitions: readonly TopicPartition[]): Promise<void> {
    this.#options.onSettled(false)
    const { tasks, metrics, abandoned } = this.#options
    await tasks.add(partitions, abandoned)
    for (const task of tasks) metrics.taskMade(task.id)
  }

  /** Still ours: commits what they have done, then lets them go. What is left of them begins again without what was taken. */
  async revoked(partitions: readonly TopicPartition[]): Promise<void> {
    const leaving = this.#options.tasks.among(partitions)
    try {
      if (!this.#hasFailed && !this.#broken && !this.#options.abandoned.aborted) await this.#commit(leaving, true)
    } catch (error) {
      if (!(error instanceof TransactionError)) throw error
      this.#broken = error
    } finally {
      await this.#options.tasks.drop(leaving)
    }
    this.#forget(leaving, partitions)
    await this.#resume(leaving, partitions)
  }

  /** Somebody else's by now: what was not committed is processed again there. */
  async lost(partitions: readonly TopicPartition[]): Promise<void> {
    const { tasks, transactions } = this.#options
    const leaving = tasks.among(partitions)
    await tasks.drop(leaving)
    this.#forget(leaving, partitions)
    if (!transactions?.isOpen || leaving.length === 0) return
    this.#broken ??= new TransactionError('PARTITION_REVOKED', 'partitions were given to somebody else meanwhile', {})
  }

  async #turn(signal: AbortSignal): Promise<void> {
    try {
      await this.#work(signal)
    } catch (error) {
      if (!(error instanceof TransactionError) || this.#options.abandoned.aborted) throw error
      await this.#recover(error)
    }
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { engine, restorer, standbys, globals, clock, collector, tasks, settings, abandoned } = this.#options
    if (this.#doom) throw this.#doom
    const isBusy = !this.isPaused && tasks.runnable().some(task => this.#readiness.isReady(task))
    const patience = isBusy || !restorer.isIdle ? 0 : this.#patience()
    await this.#poll(patience, signal)
    if (this.#doom) throw this.#doom
    if (this.#broken) throw this.#broken
    if (tasks.hasCut) await this.#renewTasks(() => tasks.emptyCut(abandoned))
    if (!restorer.isIdle) await this.#restore(isBusy ? 0 : settings.pollMs, signal)
    if (await globals.step(signal)) await this.#renewTasks(() => tasks.renew(abandoned))
    await standbys.step(taskId => tasks.has(taskId), abandoned)
    this.#options.onSettled(restorer.isIdle && atRest.has(engine.health().state))
    if (!this.isPaused) await this.#process()
    await collector.room(abandoned)
    this.#throttle()
    if (this.#isCommitDue()) await this.#commit([...tasks], false)
    // Sockets and timers get their turn too, however much there is to process.
    if (isBusy) await new Promise<void>(resolve => clock.soon(resolve))
  }

  async #poll(maxMs: number, signal: AbortSignal): Promise<void> {
    const { engine, tasks, clock, metrics } = this.#options
    const startedAt = clock.monotonic()
    const batches = await engine.poll(maxMs, { maxRecords: 5_000, signal })
    tasks.take(batches)
    metrics.polled(
      startedAt,
      batches.reduce((sum, { records }) => sum + records.length, 0),
    )
  }

  async #restore(maxMs: number, signal: AbortSignal): Promise<void> {
    const { restorer, tasks, abandoned } = this.#options
    await tasks.remakeLost(abandoned)
    await restorer.step(maxMs, signal)
  }

  /** After a commit, so that nothing is done twice. */
  async #renewTasks(renew: () => Promise<void>): Promise<void> {
    const { tasks } = this.#options
    await this.#commit([...tasks], true)
    this.#unthrottle([...tasks].flatMap(task => task.input.inputs))
    await renew()
  }

  #patience(): number {
    const { clock, settings, tasks } = this.#options
    let patience = settings.pollMs
    const now = clock.now()
    for (const task of tasks) patience = Math.min(patience, Math.max(1, task.nextPunctuation - now))
    return patience
  }

  async #process(): Promise<void> {
    const { engine, tasks, clock, abandoned, metrics } = this.#options
    for (const task of tasks.runnable()) {
      if (engine.wantsPoll) return
      const now = clock.now()
      if (task.nextPunctuation <= now) {
        await this.#begin()
        const startedAt = clock.monotonic()
        await this.#settled(task, task.punctuate(now))
        metrics.punctuated(task.id, startedAt)
      }
      if (!this.#readiness.isReady(task)) continue
      await this.#begin()
      const startedAt = clock.monotonic()
      const end = startedAt + turnMs
      const before = task.queued
      const mustStop = () => engine.wantsPoll || abandoned.aborted || clock.monotonic() >= end
      await this.#settled(
        task,
        task.process(turn, mustStop, () => this.#readiness.isReady(task)),
      )
      const times = task.takeTimes()
      const stores = tasks.stateOf(task).stores.values()
      metrics.processed(task.id, startedAt, before - task.queued, { times, stores })
    }
  }

  async #begin(): Promise<void> {
    const { transactions } = this.#options
    if (transactions && !transactions.isOpen) await transactions.begin()
  }

  async #settled(task: StreamTask, waiting: Done): Promise<void> {
    const { collector, clock, abandoned, settings } = this.#options
    if (waiting) await untilAborted(withinTime(waiting, task, clock, settings.taskTimeoutMs), abandoned)
    await collector.room(abandoned)
  }

  #isCommitDue(): boolean {
    const { clock, settings, tasks } = this.#options
    if (clock.monotonic() - this.#lastCommit >= settings.commitIntervalMs) return true
    for (const task of tasks) if (task.wantsCommit || tasks.stateOf(task).wantsCommit) return true
    return false
  }

  /** With exactly once all tasks together: they share the transaction. */
  async #commit(some: readonly StreamTask[], isLast: boolean): Promise<void> {
    const { engine, collector, abandoned, onCommitted, clock, transactions, tasks, metrics } = this.#options
    const startedAt = clock.monotonic()
    const all = transactions ? [...tasks] : some
    for (const task of all) if (task.needsCommit) await this.#settled(task, task.flush())
    this.#lastCommit = clock.monotonic()
    const due = all.map(task => ({ task, offsets: task.offsetsToCommit(at => engine.position(at)) }))
    const offsets = due.flatMap(({ offsets }) => offsets)
    await collector.flush(abandoned)
    if (transactions) {
      if (transactions.isOpen || offsets.length > 0) {
        await transactions.commit(offsets)
        collector.committed()
      }
    } else if (offsets.length > 0 && !(await this.#committed(offsets))) return
    for (const { task, offsets } of due) {
      metrics.sampled(task.id, tasks.stateOf(task).stores.values())
      if (task.needsCommit || isLast) tasks.stateOf(task).commit({ now: isLast, inputs: offsets })
      task.committed(offsets)
    }
    if (offsets.length === 0) return
    onCommitted(offsets)
    metrics.committed(
      startedAt,
      due.filter(({ offsets }) => offsets.length > 0).map(({ task }) => task.id),
    )
  }

  /** When the group has gone on without us the offsets are not ours to commit; the next poll takes the tasks away. */
  async #committed(offsets: readonly OffsetToCommit[]): Promise<boolean> {
    const { engine, abandoned } = this.#options
    try {
      await engine.commit(offsets, { signal: abandoned })
      return true
    } catch (error) {
      if (isDisowned(error)) return false
      throw error
    }
  }

  /** Nothing since the last commit has happened: it is done again, from the offsets and the state of that commit. */
  async #recover(error: TransactionError): Promise<void> {
    const { transactions, collector, tasks, abandoned, clock, logger } = this.#options
    await collector.mayBeginAgain(error, abandoned)
    logger.warn({ code: error.code, cause: error }, 'A transaction was lost; its records are processed again.')
    this.#broken = undefined
    await transactions!.abort()
    if (error.fatal) await transactions!.renew()
    collector.forget()
    await sleep(clock, recoveryPauseMs)
    const inputs = [...tasks].flatMap(task => task.input.inputs)
    this.#unthrottle(inputs)
    if (inputs.length > 0) await tasks.restart(inputs, abandoned)
  }

  async #resume(dropped: readonly StreamTask[], taken: readonly TopicPartition[]): Promise<void> {
    const isTaken = (at: TopicPartition) => taken.some(p => p.topic === at.topic && p.partition === at.partition)
    const left = dropped.flatMap(task => task.input.inputs).filter(at => !isTaken(at))
    this.#unthrottle(left)
    if (left.length > 0 && !this.#hasFailed) await this.#options.tasks.restart(left, this.#options.abandoned)
  }

  /** A task whose queue is long is not fetched for until it is short again. */
  #throttle(): void {
    const { engine, settings, tasks } = this.#options
    for (const task of tasks) {
      for (const at of task.input.inputs) {
        const key = `${at.topic}-${at.partition}`
        const isLong = task.waiting(at.topic) > settings.bufferedRecordsPerPartition
        if (isLong === this.#throttled.has(key)) continue
        if (isLong) this.#throttled.add(key)
        else this.#throttled.delete(key)
        if (isLong) engine.pause([at])
        else engine.resume([at])
      }
    }
  }

  #unthrottle(inputs: readonly TopicPartition[]): void {
    this.#options.engine.resume(inputs.filter(at => this.#throttled.delete(`${at.topic}-${at.partition}`)))
  }

  #forget(tasks: readonly StreamTask[], partitions: readonly TopicPartition[]): void {
    for (const { id } of tasks) this.#readiness.forget(id)
    for (const { topic, partition } of partitions) this.#throttled.delete(`${topic}-${partition}`)
  }
}

/** Idle: it has nothing to read in a group, only global stores. */
const atRest: ReadonlySet<string> = new Set(['running', 'idle'])

const isDisowned = (error: unknown): boolean =>
  error instanceof ProtocolError && (error.code === 'ILLEGAL_GENERATION' || error.code === 'UNKNOWN_MEMBER_ID')
