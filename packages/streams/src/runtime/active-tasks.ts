import { type ConsumerEngine, type TopicPartition, UsageError } from '@odradek/client'
import type { ErrorPolicy } from '../handlers/handlers.ts'
import type { LocalStore } from '../queries/local-stores.ts'
import type { StateStore } from '../state/state-store.ts'
import type { Collector } from '../task/collector.ts'
import { type CommittedInput, StreamTask, type StreamTaskOptions } from '../task/stream-task.ts'
import { type OffsetReset, type TimestampExtractor, topicName } from '../topology/node-spec.ts'
import type { Subtopology } from '../topology/topology.ts'
import type { Restorer } from './restorer.ts'
import type { StandbyTasks } from './standby-tasks.ts'
import type { TaskInput } from './task-assignor.ts'
import { tasksAmong } from './task-inputs.ts'
import type { TaskState } from './task-state.ts'

export interface ActiveTasksOptions {
  applicationId: string
  subtopologies: readonly Subtopology[]
  engine: ConsumerEngine
  restorer: Restorer
  standbys: StandbyTasks
  collector: Collector
  errors: ErrorPolicy
  timestampOf: TimestampExtractor | undefined
  /** Stores that every processor may read. */
  globals: ReadonlyMap<string, StateStore>
  makeState(input: TaskInput): TaskState
  onDropped?: StreamTaskOptions['onDropped']
  watch?: StreamTaskOptions['watch']
  /** The wall clock. */
  now(): number
}

interface Active {
  readonly task: StreamTask
  readonly state: TaskState
}

/** The tasks an instance has been given: made with their stores, found by partition, let go. */
export class ActiveTasks {
  readonly #options: ActiveTasksOptions
  readonly #byId = new Map<string, Active>()
  readonly #byInput = new Map<string, StreamTask>()

  constructor(options: ActiveTasksOptions) {
    this.#options = options
  }

  *[Symbol.iterator](): Iterator<StreamTask> {
    for (const { task } of this.#byId.values()) yield task
  }

  /** Those that are restored. */
  runnable(): StreamTask[] {
    const { restorer } = this.#options
    return restorer.isIdle ? [...this] : [...this].filter(task => !restorer.isRestoring(task.id))
  }

  stateOf(task: StreamTask): TaskState {
    return this.#byId.get(task.id)!.state
  }

  has(taskId: string): boolean {
    return this.#byId.has(taskId)
  }

  /** For queries: this instance's partitions of a store. */
  storesNamed(name: string): LocalStore[] {
    return [...this.#byId.values()].flatMap(({ task: { id, input, stores } }) => {
      const store = stores.get(name)
      const isRestoring = this.#options.restorer.isRestoring(id)
      return store ? [{ store, partition: input.partition, role: 'active' as const, isRestoring }] : []
    })
  }

  find(at: TopicPartition): StreamTask | undefined {
    return this.#byInput.get(nameOf(at))
  }

  among(partitions: readonly TopicPartition[]): StreamTask[] {
    return [...new Set(partitions.map(at => this.find(at)).filter(task => task !== undefined))]
  }

  /** Makes the tasks of the partitions and begins to restore their stores. */
  async add(partitions: readonly TopicPartition[], signal: AbortSignal): Promise<void> {
    const { applicationId, subtopologies, engine, restorer } = this.#options
    const found = await engine.committed(partitions, { signal })
    const committed = new Map(partitions.map((at, i) => [nameOf(at), found[i] ?? undefined]))
    for (const at of partitions) if (!committed.get(nameOf(at))) this.#beginAt(at)
    const made: TaskState[] = []
    for (const input of tasksAmong(subtopologies, applicationId, partitions)) {
      const running = this.#byId.get(input.taskId)
      if (running) for (const at of input.inputs) running.task.addInput(at, committed.get(nameOf(at)))
      else made.push(await this.#make(input, topic => committed.get(nameOf({ topic, partition: input.partition }))))
      for (const at of input.inputs) this.#byInput.set(nameOf(at), this.#byId.get(input.taskId)!.task)
    }
    await restorer.add(made, signal)
  }

  /** Forgets tasks and what they hold; what they did since the last commit is not kept. */
  async drop(tasks: readonly StreamTask[]): Promise<void> {
    for (const task of tasks) {
      const { state } = this.#byId.get(task.id)!
      this.#options.restorer.drop(task.id)
      this.#byId.delete(task.id)
      for (const at of task.input.inputs) this.#byInput.delete(nameOf(at))
      task.close()
      await state.close()
    }
  }

  /** Begins again at the last commit: what was done since was given up. */
  async restart(partitions: readonly TopicPartition[], signal: AbortSignal): Promise<void> {
    const { engine } = this.#options
    await this.drop(this.among(partitions))
    const found = await engine.committed(partitions, { signal })
    const assigned = new Set(engine.assignment().map(nameOf))
    const ours = partitions.filter(at => assigned.has(nameOf(at)))
    for (const [i, at] of partitions.entries())
      if (assigned.has(nameOf(at))) engine.seek(at, found[i]?.offset ?? 'earliest')
    await this.add(ours, signal)
  }

  async #make(input: TaskInput, committedOf: (topic: string) => CommittedInput | undefined): Promise<TaskState> {
    const { applicationId, subtopologies, collector, errors, timestampOf, standbys, globals, now } = this.#options
    const state = (await standbys.take(input.taskId)) ?? this.#options.makeState(input)
    const committed = new Map(
      input.inputs.flatMap(({ topic }) => {
        const found = committedOf(topic)
        return found ? [[topic, found]] : []
      }),
    )
    const subtopology = subtopologies.find(({ id }) => id === input.subtopology)!
    const { stores } = state
    const { onDropped, watch } = this.#options
    const given = {
      input,
      globals,
      subtopology,
      applicationId,
      stores,
      collector,
      committed,
      errors,
      timestampOf,
      onDropped,
      watch,
      now,
    }
    const task = new StreamTask(given)
    state.current = () => task.current
    this.#byId.set(input.taskId, { task, state })
    return state
  }

  /** A source that says where to begin without a committed offset. */
  #beginAt(at: TopicPartition): void {
    const { engine, now } = this.#options
    const reset = this.#resetOf(at.topic)
    if (reset === undefined) return
    if (reset === 'none')
      throw new UsageError(
        `There is no committed offset of ${nameOf(at)}, and its source has \`offsetReset: 'none'\`. Set the offset with the reset tool, or let the source begin somewhere.`,
      )
    engine.seek(at, typeof reset === 'object' ? { timestamp: now() - reset.durationMs } : reset)
  }

  #resetOf(topic: string): OffsetReset | undefined {
    const { subtopologies, applicationId } = this.#options
    for (const { nodes } of subtopologies)
      for (const node of nodes) {
        if (node.kind !== 'source') continue
        const { topics } = node
        const reads =
          topics instanceof RegExp ? topics.test(topic) : topics.some(ref => topicName(ref, applicationId) === topic)
        if (reads) return node.offsetReset
      }
    return undefined
  }
}

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`
