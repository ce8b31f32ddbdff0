import type { ConsumerEngine, TopicPartition } from '@odradek/client'
import type { Clock } from '@odradek/world'
import { changelogOf, type StateStore } from '../state/state-store.ts'
import { StreamTask } from '../task/stream-task.ts'
import type { Subtopology } from '../topology/topology.ts'
import type { ProducerCollector } from './producer-collector.ts'
import type { Restoration, Restorer } from './restorer.ts'
import type { TaskInput } from './task-assignor.ts'

export interface StreamThreadOptions {
  applicationId: string
  subtopologies: readonly Subtopology[]
  clock: Clock
  engine: ConsumerEngine
  restorer: Restorer
  collector: ProducerCollector
  commitIntervalMs: number
  /** Beyond this many waiting records a partition is paused. */
  bufferedRecordsPerPartition: number
  /** The tasks whose inputs are among the partitions. */
  tasksAmong(partitions: readonly TopicPartition[]): TaskInput[]
  /** Told after each change: how many tasks there are, and how many of them still restore. */
  onTasks(tasks: number, restoring: number): void
}

/** Records a task processes before the loop looks up: long enough to be cheap, short enough for a rebalance not to wait. */
const turn = 500

/**
 * The loop of an instance: poll, process in turns, commit now and then. Tasks come and go in the hooks of the rebalance, which run
 * inside `poll` and therefore never in the middle of a record.
 *
 * A commit is: everything sent is acknowledged, then the offsets are committed (streams facts 2.31). A crash in between processes
 * records again: at least once.
 */
export class StreamThread {
  readonly #options: StreamThreadOptions
  readonly #tasks = new Map<string, StreamTask>()
  readonly #paused = new Set<string>()
  #lastCommit: number

  constructor(options: StreamThreadOptions) {
    this.#options = options
    this.#lastCommit = options.clock.monotonic()
  }

  /** Runs until the signal aborts. Throws what ends it. */
  async run(signal: AbortSignal): Promise<void> {
    const { engine, restorer, clock, commitIntervalMs } = this.#options
    while (!signal.aborted) {
      const busy = this.#runnable().some(task => task.hasWork)
      const patience = busy || !restorer.isIdle ? 0 : 100
      for (const batch of await engine.poll(patience, { maxRecords: 5_000, signal })) this.#taskOf(batch)?.add(batch)
      if (!restorer.isIdle) await this.#restore(signal)
      await this.#processTurn()
      this.#throttle()
      if (clock.monotonic() - this.#lastCommit >= commitIntervalMs) await this.commit([...this.#tasks.values()], signal)
    }
  }

  /** New tasks are made, and restored while the thread goes on. */
  async assigned(partitions: readonly TopicPartition[], signal: AbortSignal): Promise<void> {
    const restorations: Restoration[] = []
    for (const input of this.#options.tasksAmong(partitions)) {
      if (this.#tasks.has(input.taskId)) continue
      const stores = this.#makeStores(input)
      const { applicationId, subtopologies, collector } = this.#options
      const subtopology = subtopologies[input.subtopology]!
      this.#tasks.set(input.taskId, new StreamTask({ input, subtopology, applicationId, stores, collector }))
      for (const store of stores.values())
        restorations.push({ taskId: input.taskId, store, changelog: this.#changelog(store, input) })
    }
    if (restorations.length > 0) await this.#options.restorer.add(restorations, signal)
    this.#report()
  }

  /** Still ours: commits what they have done, then lets them go. */
  async revoked(partitions: readonly TopicPartition[]): Promise<void> {
    const leaving = this.#tasksOf(partitions)
    await this.commit(leaving)
    this.#drop(leaving)
  }

  /** Somebody else's by now: what was not committed is processed again there. */
  lost(partitions: readonly TopicPartition[]): void {
    this.#drop(this.#tasksOf(partitions))
  }

  async commit(tasks: readonly StreamTask[], signal?: AbortSignal): Promise<void> {
    this.#lastCommit = this.#options.clock.monotonic()
    const due = tasks.filter(task => task.needsCommit)
    if (due.length === 0) return
    const offsets = due.flatMap(task => task.offsetsToCommit())
    await this.#options.collector.flush()
    await this.#options.engine.commit(offsets, signal ? { signal } : {})
    for (const task of due) task.committed()
  }

  async #processTurn(): Promise<void> {
    const { collector, engine } = this.#options
    for (const task of this.#runnable()) {
      if (engine.wantsPoll) return
      await task.process(turn)
      await collector.room()
    }
  }

  async #restore(signal: AbortSignal): Promise<void> {
    await this.#options.restorer.step(100, signal)
    this.#report()
  }

  /** A task whose queue is long is not fetched for until it is short again. */
  #throttle(): void {
    const { engine, bufferedRecordsPerPartition } = this.#options
    for (const task of this.#tasks.values()) {
      for (const at of task.input.inputs) {
        const key = `${at.topic}-${at.partition}`
        const long = task.waiting(at.topic) > bufferedRecordsPerPartition
        if (long === this.#paused.has(key)) continue
        if (long) this.#paused.add(key)
        else this.#paused.delete(key)
        if (long) engine.pause([at])
        else engine.resume([at])
      }
    }
  }

  #runnable(): StreamTask[] {
    return [...this.#tasks.values()].filter(task => !this.#options.restorer.isRestoring(task.id))
  }

  #tasksOf(partitions: readonly TopicPartition[]): StreamTask[] {
    return [...this.#tasks.values()].filter(task =>
      task.input.inputs.some(input =>
        partitions.some(at => at.topic === input.topic && at.partition === input.partition),
      ),
    )
  }

  #taskOf(at: TopicPartition): StreamTask | undefined {
    return this.#tasksOf([at])[0]
  }

  #makeStores(input: TaskInput): Map<string, StateStore> {
    const { subtopologies, collector } = this.#options
    return new Map(
      subtopologies[input.subtopology]!.stores.map(spec => {
        const at = this.#changelog(spec, input)
        return [
          spec.name,
          spec.make((key, value, timestamp) => collector.send({ ...at, key, value, timestamp, headers: [] })),
        ]
      }),
    )
  }

  #changelog(store: { name: string }, input: TaskInput): TopicPartition {
    return { topic: `${this.#options.applicationId}-${changelogOf(store)}`, partition: input.partition }
  }

  #drop(tasks: readonly StreamTask[]): void {
    for (const task of tasks) {
      this.#options.restorer.drop(task.id)
      for (const at of task.input.inputs) this.#paused.delete(`${at.topic}-${at.partition}`)
      task.close()
      this.#tasks.delete(task.id)
    }
    this.#report()
  }

  #report(): void {
    const restoring = [...this.#tasks.keys()].filter(id => this.#options.restorer.isRestoring(id)).length
    this.#options.onTasks(this.#tasks.size, restoring)
  }
}
