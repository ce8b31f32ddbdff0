import type { ConsumerEngine, TopicPartition } from '@odradek/client'
import type { ErrorPolicy } from '../handlers/handlers.ts'
import type { LocalStore } from '../queries/local-stores.ts'
import { noHeaders } from '../record.ts'
import { changelogOf, type StateStore } from '../state/state-store.ts'
import type { Collector } from '../task/collector.ts'
import { StreamTask } from '../task/stream-task.ts'
import type { Subtopology } from '../topology/topology.ts'
import { decodePartitionTime } from './partition-time.ts'
import type { Restoration, Restorer } from './restorer.ts'
import type { TaskInput } from './task-assignor.ts'

export interface ActiveTasksOptions {
  applicationId: string
  subtopologies: readonly Subtopology[]
  engine: ConsumerEngine
  restorer: Restorer
  collector: Collector
  errors: ErrorPolicy
  /** The wall clock. */
  now(): number
  /** The tasks whose inputs are among the partitions. */
  tasksAmong(partitions: readonly TopicPartition[]): Promise<TaskInput[]>
}

/** The tasks an instance has been given: made with their stores, found by partition, let go. */
export class ActiveTasks {
  readonly #options: ActiveTasksOptions
  readonly #byId = new Map<string, StreamTask>()

  constructor(options: ActiveTasksOptions) {
    this.#options = options
  }

  [Symbol.iterator](): Iterator<StreamTask> {
    return this.#byId.values()
  }

  /** Those that are restored. */
  runnable(): StreamTask[] {
    return [...this.#byId.values()].filter(task => !this.#options.restorer.isRestoring(task.id))
  }

  find(at: TopicPartition): StreamTask | undefined {
    for (const task of this.#byId.values()) if (task.input.inputs.some(input => isSame(input, at))) return task
    return undefined
  }

  among(partitions: readonly TopicPartition[]): StreamTask[] {
    return [...new Set(partitions.map(at => this.find(at)).filter(task => task !== undefined))]
  }

  /** For queries: this instance's partitions of a store. */
  storesNamed(name: string): LocalStore[] {
    return [...this.#byId.values()].flatMap(({ id, input, stores }) => {
      const store = stores.get(name)
      const isRestoring = this.#options.restorer.isRestoring(id)
      return store ? [{ store, partition: input.partition, role: 'active' as const, isRestoring }] : []
    })
  }

  /** Makes the tasks of the partitions and begins to restore their stores. */
  async add(partitions: readonly TopicPartition[], signal: AbortSignal): Promise<void> {
    const { engine, restorer } = this.#options
    const inputs = (await this.#options.tasksAmong(partitions)).filter(({ taskId }) => !this.#byId.has(taskId))
    const sources = inputs.flatMap(input => input.inputs)
    if (sources.length === 0) return
    const offsets = await engine.committed(sources, { signal })
    const committed = new Map(offsets.map((found, i) => [sources[i]!, found]))
    const restorations: Restoration[] = []
    for (const input of inputs) {
      const stores = this.#makeStores(input)
      this.#byId.set(
        input.taskId,
        this.#makeTask(input, stores, at => committed.get(at) ?? null),
      )
      for (const store of stores.values())
        restorations.push({ taskId: input.taskId, store, changelog: this.#changelog(store, input) })
    }
    await restorer.add(restorations, signal)
  }

  /** Forgets tasks and what they hold. */
  drop(tasks: readonly StreamTask[]): void {
    for (const task of tasks) {
      this.#options.restorer.drop(task.id)
      this.#byId.delete(task.id)
      task.close()
    }
  }

  #makeTask(
    input: TaskInput,
    stores: ReadonlyMap<string, StateStore>,
    committedAt: (at: TopicPartition) => { offset: number; metadata: string | null } | null,
  ): StreamTask {
    const { applicationId, subtopologies, collector, errors, now } = this.#options
    const committed = new Map(
      input.inputs.flatMap(at => {
        const found = committedAt(at)
        return found ? [[at.topic, { offset: found.offset, time: decodePartitionTime(found.metadata) }]] : []
      }),
    )
    const subtopology = subtopologies[input.subtopology]!
    return new StreamTask({ input, subtopology, applicationId, stores, collector, committed, errors, now })
  }

  #makeStores(input: TaskInput): Map<string, StateStore> {
    const { subtopologies, collector } = this.#options
    return new Map(
      subtopologies[input.subtopology]!.stores.map(spec => {
        const { topic, partition } = this.#changelog(spec, input)
        return [
          spec.name,
          spec.make({
            taskId: input.taskId,
            log:
              spec.changelog &&
              ((key, value, timestamp) =>
                collector.send({ topic, partition, key, value, timestamp, headers: noHeaders })),
            disk: null,
            defaultKind: 'memory',
            cache: null,
            current: () => ({ headers: noHeaders, metadata: undefined }),
          }),
        ]
      }),
    )
  }

  #changelog(store: { name: string }, input: TaskInput): TopicPartition {
    return { topic: `${this.#options.applicationId}-${changelogOf(store)}`, partition: input.partition }
  }
}

const isSame = (a: TopicPartition, b: TopicPartition) => a.partition === b.partition && a.topic === b.topic
