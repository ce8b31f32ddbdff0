import { type ConsumerEngine, type OffsetToCommit, ProtocolError, type TopicPartition } from '@odradek/client'
import type { Clock } from '@odradek/world'
import type { InstanceMetrics } from '../metrics/instance-metrics.ts'
import type { StreamTask } from '../task/stream-task.ts'
import type { ActiveTasks } from './active-tasks.ts'
import type { ProducerCollector } from './producer-collector.ts'
import type { Restorer } from './restorer.ts'
import { withinTime } from './task-timeout.ts'
import { untilAborted } from './until-aborted.ts'

export interface StreamThreadOptions {
  clock: Clock
  engine: ConsumerEngine
  restorer: Restorer
  collector: ProducerCollector
  tasks: ActiveTasks
  commitIntervalMs: number
  /** Beyond this many waiting records a partition is paused. */
  bufferedRecordsPerPartition: number
  /** A callback that has not settled for as long ends the thread. */
  taskTimeoutMs: number
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

/**
 * The loop of an instance: poll, process in turns, commit now and then. Tasks come and go in the hooks of the rebalance, which run
 * inside `poll` and therefore never in the middle of a record.
 *
 * A commit is: everything sent is acknowledged, then the offsets are committed (streams facts 2.31). A crash in between processes
 * records again: at least once.
 */
export class StreamThread {
  readonly #options: StreamThreadOptions
  readonly #paused = new Set<string>()
  #lastCommit: number
  #hasFailed = false
  /** Processing rests; the group does not notice. */
  isPaused = false

  constructor(options: StreamThreadOptions) {
    this.#options = options
    this.#lastCommit = options.clock.monotonic()
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

  /** New tasks are made, and restored while the thread goes on. */
  async assigned(partitions: readonly TopicPartition[]): Promise<void> {
    this.#options.onSettled(false)
    const { tasks, metrics, abandoned } = this.#options
    await tasks.add(partitions, abandoned)
    for (const task of tasks) metrics.taskMade(task.id)
  }

  /** Still ours: commits what they have done, then lets them go. */
  async revoked(partitions: readonly TopicPartition[]): Promise<void> {
    const leaving = this.#options.tasks.among(partitions)
    try {
      if (!this.#hasFailed && !this.#options.abandoned.aborted) await this.#commit(leaving)
    } finally {
      this.#drop(leaving)
    }
  }

  /** Somebody else's by now: what was not committed is processed again there. */
  lost(partitions: readonly TopicPartition[]): void {
    this.#drop(this.#options.tasks.among(partitions))
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const { engine, restorer, clock, collector, tasks, commitIntervalMs, abandoned } = this.#options
    const isBusy = !this.isPaused && tasks.runnable().some(task => task.hasWork)
    const patience = isBusy || !restorer.isIdle ? 0 : 100
    await this.#poll(patience, signal)
    if (!restorer.isIdle) await restorer.step(isBusy ? 0 : 100, signal)
    this.#options.onSettled(restorer.isIdle && engine.health().state === 'running')
    if (!this.isPaused) await this.#process()
    await collector.room(abandoned)
    this.#throttle()
    if (clock.monotonic() - this.#lastCommit >= commitIntervalMs) await this.#commit([...tasks])
    // Sockets and timers get their turn too, however much there is to process.
    if (isBusy) await new Promise<void>(resolve => clock.soon(resolve))
  }

  async #poll(maxMs: number, signal: AbortSignal): Promise<void> {
    const { engine, tasks, clock, metrics } = this.#options
    const startedAt = clock.monotonic()
    const batches = await engine.poll(maxMs, { maxRecords: 5_000, signal })
    let records = 0
    for (const batch of batches) {
      tasks.find(batch)?.add(batch)
      records += batch.records.length
    }
    metrics.polled(startedAt, records)
  }

  async #process(): Promise<void> {
    const { collector, engine, tasks, clock, abandoned, taskTimeoutMs, metrics } = this.#options
    for (const task of tasks.runnable()) {
      if (engine.wantsPoll) return
      const startedAt = clock.monotonic()
      const end = startedAt + turnMs
      const before = waitingIn(task)
      const waiting = task.process(turn, () => engine.wantsPoll || abandoned.aborted || clock.monotonic() >= end)
      if (waiting) await untilAborted(withinTime(waiting, task, clock, taskTimeoutMs), abandoned)
      metrics.processed(task.id, startedAt, before - waitingIn(task))
      await collector.room(abandoned)
    }
  }

  /** When the group has gone on without us the offsets are not ours to commit; the next poll takes the tasks away. */
  async #commit(tasks: readonly StreamTask[]): Promise<void> {
    const { engine, collector, abandoned, onCommitted, clock, metrics } = this.#options
    const startedAt = clock.monotonic()
    this.#lastCommit = startedAt
    const due = tasks.map(task => ({ task, offsets: task.offsetsToCommit(at => engine.position(at)) }))
    const offsets = due.flatMap(({ offsets }) => offsets)
    if (offsets.length === 0) return
    await collector.flush(abandoned)
    try {
      await engine.commit(offsets, { signal: abandoned })
    } catch (error) {
      if (isDisowned(error)) return
      throw error
    }
    for (const { task, offsets } of due) task.committed(offsets)
    onCommitted(offsets)
    metrics.committed(
      startedAt,
      due.filter(({ offsets }) => offsets.length > 0).map(({ task }) => task.id),
    )
  }

  /** A task whose queue is long is not fetched for until it is short again. */
  #throttle(): void {
    const { engine, bufferedRecordsPerPartition, tasks } = this.#options
    for (const task of tasks) {
      for (const at of task.input.inputs) {
        const key = `${at.topic}-${at.partition}`
        const isLong = task.waiting(at.topic) > bufferedRecordsPerPartition
        if (isLong === this.#paused.has(key)) continue
        if (isLong) this.#paused.add(key)
        else this.#paused.delete(key)
        if (isLong) engine.pause([at])
        else engine.resume([at])
      }
    }
  }

  #drop(tasks: readonly StreamTask[]): void {
    for (const task of tasks) {
      for (const { topic, partition } of task.input.inputs) this.#paused.delete(`${topic}-${partition}`)
      this.#options.metrics.taskClosed(task.id)
    }
    this.#options.tasks.drop(tasks)
  }
}

const waitingIn = (task: StreamTask): number =>
  task.input.inputs.reduce((sum, { topic }) => sum + task.waiting(topic), 0)

const isDisowned = (error: unknown): boolean =>
  error instanceof ProtocolError && (error.code === 'ILLEGAL_GENERATION' || error.code === 'UNKNOWN_MEMBER_ID')
