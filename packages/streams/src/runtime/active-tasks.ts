import type {
  ConsumerEngine,
  EngineOptions,
  LostPosition,
  PartitionBatch,
  StartPosition,
  TopicPartition,
} from '@odradek/client'
import type { ErrorPolicy } from '../handlers/handlers.ts'
import type { LocalStore } from '../queries/local-stores.ts'
import type { StateStore } from '../state/state-store.ts'
import { StreamsError } from '../streams-error.ts'
import type { Collector } from '../task/collector.ts'
import { type CommittedInput, StreamTask, type StreamTaskOptions } from '../task/stream-task.ts'
import { type OffsetReset, type TimestampExtractor, topicName } from '../topology/node-spec.ts'
import type { Subtopology } from '../topology/topology.ts'
import { mostAttempts, type Restorer } from './restorer.ts'
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
  /** Where sources begin that do not say it themselves, in the engine's words. */
  from: EngineOptions['from']
  /** The wall clock. */
  now(): number
}

/** By task. */
type States = ReadonlyMap<string, TaskState>

interface Active {
  readonly task: StreamTask
  readonly state: TaskState
}

/** The tasks an instance has been given: made with their stores, found by partition, let go. */
export class ActiveTasks {
  readonly #options: ActiveTasksOptions
  readonly #byId = new Map<string, Active>()
  readonly #byInput = new Map<string, StreamTask>()
  /** The first offset that was read of an input since it was given to this instance: where to begin again without a commit. */
  readonly #begun = new Map<string, number>()
  /** Inputs that read-only stores are filled from, and that were cut or made anew behind where they were read. */
  readonly #cut = new Set<string>()

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

  /** What was fetched goes to the tasks that it is for. */
  take(batches: readonly PartitionBatch[]): void {
    for (const batch of batches) {
      const name = nameOf(batch)
      const first = batch.records[0]
      if (first && !this.#begun.has(name)) this.#begun.set(name, first.offset)
      const task = this.#byInput.get(name)
      if (!task) continue
      task.add(batch)
      this.stateOf(task).expect(batch.records)
    }
  }

  /** Makes the tasks of the partitions and begins to restore their stores. */
  async add(partitions: readonly TopicPartition[], signal: AbortSignal): Promise<void> {
    for (const at of partitions) this.#begun.delete(nameOf(at))
    const found = await this.#options.engine.committed(partitions, { signal })
    for (const [i, at] of partitions.entries()) if (!found[i]) this.#beginAt(at)
    await this.#add(partitions, found, signal, new Map())
  }

  async #add(
    partitions: readonly TopicPartition[],
    found: readonly (CommittedInput | null)[],
    signal: AbortSignal,
    states: States,
  ): Promise<void> {
    const { applicationId, subtopologies, restorer } = this.#options
    const committed = new Map(partitions.map((at, i) => [nameOf(at), found[i] ?? undefined]))
    const made: TaskState[] = []
    for (const input of tasksAmong(subtopologies, applicationId, partitions)) {
      const running = this.#byId.get(input.taskId)
      const committedOf = (topic: string) => committed.get(nameOf({ topic, partition: input.partition }))
      const kept = states.get(input.taskId)
      if (running) for (const at of input.inputs) running.task.addInput(at, committed.get(nameOf(at)))
      else if (kept) await this.#make(input, committedOf, kept)
      else made.push(await this.#make(input, committedOf, undefined))
      for (const at of input.inputs) this.#byInput.set(nameOf(at), this.#byId.get(input.taskId)!.task)
    }
    await restorer.add(made, signal, { committedOf: at => committed.get(nameOf(at))?.offset })
  }

  /** Tasks whose state was of no use: their changelogs were cut while they were restored. They begin anew. */
  async remakeLost(signal: AbortSignal): Promise<void> {
    const lost = this.#options.restorer.takeLost()
    const hopeless = lost.find(({ attempts }) => attempts >= mostAttempts)
    if (hopeless) throw hopeless.error
    const inputs = lost.flatMap(({ taskId }) => this.#byId.get(taskId)?.task.input.inputs ?? [])
    if (inputs.length > 0) await this.restart(inputs, signal)
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
    await this.drop(this.among(partitions))
    await this.#beginAgain(partitions, signal, new Map())
  }

  /** New processors on the state that is there, after a commit: what the former hold on to was replaced. */
  async renew(signal: AbortSignal): Promise<void> {
    const states = new Map([...this.#byId].map(([id, { state }]) => [id, state]))
    const inputs = [...this].flatMap(task => task.input.inputs)
    for (const task of this) task.close()
    this.#byId.clear()
    this.#byInput.clear()
    await this.#beginAgain(inputs, signal, states)
  }

  async #beginAgain(partitions: readonly TopicPartition[], signal: AbortSignal, states: States): Promise<void> {
    const { engine } = this.#options
    const assigned = new Set(engine.assignment().map(nameOf))
    const ours = partitions.filter(at => assigned.has(nameOf(at)))
    const committed = await engine.committed(ours, { signal })
    const found = committed.map((one, i) => (this.#cut.has(nameOf(ours[i]!)) ? null : one))
    for (const [i, at] of ours.entries()) {
      const offset = found[i]?.offset ?? this.#begun.get(nameOf(at))
      if (this.#cut.has(nameOf(at))) this.#beginAt(at)
      else if (offset !== undefined) engine.seek(at, offset) // else nothing was read of it, and it is where it began
    }
    await this.#add(ours, found, signal, states)
  }

  async #make(
    input: TaskInput,
    committedOf: (topic: string) => CommittedInput | undefined,
    kept: TaskState | undefined,
  ): Promise<TaskState> {
    const { applicationId, subtopologies, collector, errors, timestampOf, standbys, globals, now } = this.#options
    const state = kept ?? (await standbys.take(input.taskId)) ?? this.#options.makeState(input)
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

  /** Where the engine goes on when the log does not have its position any more. */
  startAfter(lost: LostPosition): StartPosition | undefined {
    const start = this.#startOf(lost, lost.reason)
    if (lost.truncatedTo !== undefined) return undefined
    const active = this.#byId.get(this.find(lost)?.id ?? '')
    if (active?.state.logged.some(({ isInput, changelog }) => isInput && nameOf(changelog) === nameOf(lost)))
      this.#cut.add(nameOf(lost))
    return start
  }

  /** Something in a read-only store may be gone from the topic that fills it. */
  get hasCut(): boolean {
    return this.#cut.size > 0
  }

  /** After a commit: such stores are emptied, and their tasks begin where the sources say. */
  async emptyCut(signal: AbortSignal): Promise<void> {
    const { restorer } = this.#options
    const isCut = (at: TopicPartition) => this.#cut.has(nameOf(at))
    const tasks = [...this].filter(task => task.input.inputs.some(isCut))
    for (const task of tasks) restorer.empty(this.stateOf(task), isCut)
    await this.restart(
      tasks.flatMap(task => task.input.inputs),
      signal,
    )
    this.#cut.clear()
  }

  #beginAt(at: TopicPartition): void {
    const start = this.#startOf(at, 'there is no committed offset')
    if (start !== undefined) this.#options.engine.seek(at, start)
  }

  /** Where to begin when there is no offset to begin at; undefined: where the engine's own setting says. */
  #startOf(at: TopicPartition, why: string): 'earliest' | 'latest' | { timestamp: number } | undefined {
    const { from, now } = this.#options
    const { name, isInternal, reset = from === 'fail' ? 'none' : undefined } = this.#sourceOf(at.topic)
    if (isInternal) return 'earliest' // what is in a repartition topic is the application's own, and not processed yet
    if (reset === 'none') throw noStart(at, name, why)
    return typeof reset === 'object' ? { timestamp: now() - reset.durationMs } : reset
  }

  #sourceOf(topic: string): { name: string; isInternal: boolean; reset?: OffsetReset | undefined } {
    const { subtopologies, applicationId } = this.#options
    for (const { nodes } of subtopologies)
      for (const node of nodes) {
        if (node.kind !== 'source') continue
        const { name, topics, offsetReset: reset } = node
        if (topics instanceof RegExp && topics.test(topic)) return { name, isInternal: false, reset }
        const ref = topics instanceof RegExp ? undefined : topics.find(ref => topicName(ref, applicationId) === topic)
        if (ref) return { name, isInternal: ref.internal, reset }
      }
    return { name: topic, isInternal: false }
  }
}

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`

const noStart = (at: TopicPartition, node: string, why: string): StreamsError =>
  new StreamsError(
    'NO_START',
    `Source ${node} cannot begin to read ${nameOf(at)}: ${why}, and its \`offsetReset\` is 'none' (or the application's \`consumer.from\` 'fail'). ` +
      'Set the offset with the reset tool, or say where it may begin instead.',
    { ...at, node },
  )
