import type { Clock } from '@odradek/world'
import type { RecordMetadata } from '../record.ts'
import type { InstanceState } from '../runtime/instance-state.ts'
import type { StateStore } from '../state/state-store.ts'
import type { Step } from '../task/step.ts'
import { type Application, clientMetrics } from './client-metrics.ts'
import { commitChannel, droppedChannel, pollChannel, processChannel } from './diagnostics.ts'
import { type EmbeddedClients, embeddedMetrics } from './embedded-clients.ts'
import { measure } from './measured-store.ts'
import { type Aspect, type Metric, metricsOf } from './metric.ts'
import { Sensor } from './sensor.ts'
import { TaskMetrics } from './task-metrics.ts'

const timed: readonly Aspect[] = ['avg', 'max', 'rate', 'total']

/** What the rest of the instance adds when it is asked. */
export interface Gauges {
  readonly state: InstanceState
  /** Tasks whose stores are being filled. */
  readonly restoring: number
  /** Of them: records of changelogs still ahead, by task. */
  readonly remaining?: ReadonlyMap<string, number>
  /** Records that wait in tasks, by task. */
  readonly buffered: ReadonlyMap<string, number>
  /** Undefined: there is none at the moment. */
  readonly thread?: EmbeddedClients | undefined
}

export interface TurnTimes {
  readonly lateMs: number
  readonly latestMs: number
  readonly lastTimestamp: number
}

/**
 * What an instance has done and how long it took, by thread and by task. The clock is read around turns, polls and commits, never for
 * a record; whoever listens to the channels is told of the same.
 */
export class InstanceMetrics {
  readonly #application: Application
  readonly #applicationId: string
  readonly #clock: Clock
  readonly #thread: Readonly<
    Record<'poll' | 'process' | 'commit' | 'punctuate' | 'task-created' | 'task-closed', Sensor>
  >
  readonly #tasks = new Map<string, TaskMetrics>()
  #failedThreads = 0

  constructor(application: Application, clock: Clock) {
    this.#application = application
    this.#applicationId = application.id
    this.#clock = clock
    const sensor = () => new Sensor(clock.monotonic())
    const [poll, process, commit, punctuate] = [sensor(), sensor(), sensor(), sensor()]
    this.#thread = { poll, process, commit, punctuate, 'task-created': sensor(), 'task-closed': sensor() }
  }

  /** Again for one that is known: the same. */
  taskMade(taskId: string): TaskMetrics {
    const known = this.#tasks.get(taskId)
    if (known) return known
    const now = this.#clock.monotonic()
    const made = new TaskMetrics(taskId, now)
    this.#tasks.set(taskId, made)
    this.#thread['task-created'].record(now, 0)
    return made
  }

  taskClosed(taskId: string): void {
    if (this.#tasks.delete(taskId)) this.#thread['task-closed'].record(this.#clock.monotonic(), 0)
  }

  /** Has the calls of a task's store timed. */
  measure(taskId: string, store: StateStore): void {
    const sensorOf = (operation: string) => this.#tasks.get(taskId)?.store(store.name, operation)
    measure(store, sensorOf, () => this.#clock.monotonic())
  }

  /** A node's step, timed until everything below it is done. */
  timed(taskId: string, node: string, step: Step): Step {
    return record => {
      const startedAt = this.#clock.monotonic()
      const ended = () => {
        const now = this.#clock.monotonic()
        this.#tasks
          .get(taskId)
          ?.node(node)
          .record(now, now - startedAt)
      }
      const waiting = step(record)
      return waiting ? waiting.then(ended) : ended()
    }
  }

  polled(startedAt: number, records: number): void {
    const latencyMs = this.#took('poll', startedAt)
    if (pollChannel.hasSubscribers) pollChannel.publish({ applicationId: this.#applicationId, records, latencyMs })
  }

  /** A turn of a task: how many records, how far behind stream time they were, when the last of them was made, and its stores. */
  processed(
    taskId: string,
    startedAt: number,
    records: number,
    { times, stores = [] }: { times?: TurnTimes; stores?: Iterable<StateStore> } = {},
  ): void {
    if (records === 0) return
    const latencyMs = this.#took('process', startedAt, records)
    const task = this.#tasks.get(taskId)
    if (times) {
      task?.late(startedAt + latencyMs, records, times.lateMs, times.latestMs)
      task?.endToEnd(startedAt + latencyMs, this.#clock.now() - times.lastTimestamp)
    }
    task?.processed(startedAt + latencyMs, records, latencyMs)
    task?.sample(startedAt + latencyMs, stores)
    if (processChannel.hasSubscribers)
      processChannel.publish({ applicationId: this.#applicationId, taskId, records, latencyMs })
  }

  /** Its stores, after a commit has emptied caches into what is below them. */
  sampled(taskId: string, stores: Iterable<StateStore>): void {
    this.#tasks.get(taskId)?.sample(this.#clock.monotonic(), stores)
  }

  punctuated(taskId: string, startedAt: number): void {
    const latencyMs = this.#took('punctuate', startedAt)
    this.#tasks.get(taskId)?.punctuated(startedAt + latencyMs, latencyMs)
  }

  committed(startedAt: number, tasks: readonly string[]): void {
    const latencyMs = this.#took('commit', startedAt)
    if (commitChannel.hasSubscribers) commitChannel.publish({ applicationId: this.#applicationId, tasks, latencyMs })
  }

  dropped(taskId: string, node: string, reason: string, place: RecordMetadata | undefined): void {
    this.#tasks.get(taskId)?.dropped(this.#clock.monotonic())
    if (droppedChannel.hasSubscribers)
      droppedChannel.publish({ applicationId: this.#applicationId, taskId, node, reason, place })
  }

  /** The thread has ended with an error; another may take its place. */
  threadFailed(): void {
    this.#failedThreads++
  }

  read({ state, restoring, remaining = new Map(), buffered, thread }: Gauges): Metric[] {
    const now = this.#clock.monotonic()
    const ofTasks = (name: string, values: ReadonlyMap<string, number>): Metric[] =>
      Array.from(values, ([taskId, value]) => ({
        ...{ name, group: 'stream-task-metrics', tags: { 'task-id': taskId } },
        value,
      }))
    const [alive, failed] = [thread ? 1 : 0, this.#failedThreads]
    return [
      ...clientMetrics({ application: this.#application, state, alive, failed, restoring }),
      ...(thread ? embeddedMetrics(thread) : []),
      ...this.#threadMetrics(now),
      ...[...this.#tasks.values()].flatMap(task => task.read(now)),
      ...ofTasks('restore-remaining-records-total', remaining),
      ...ofTasks('active-buffer-count', buffered),
    ]
  }

  #threadMetrics(now: number): Metric[] {
    const place = { group: 'stream-thread-metrics', tags: {} }
    return Object.entries(this.#thread).flatMap(([name, sensor]) => {
      const isCount = name.startsWith('task-')
      const aspects: readonly Aspect[] = isCount ? ['rate', 'total'] : [...timed, 'ratio']
      return metricsOf(place, { name, value: '-latency', aspects }, sensor.read(now))
    })
  }

  #took(what: 'poll' | 'process' | 'commit' | 'punctuate', startedAt: number, count = 1): number {
    const now = this.#clock.monotonic()
    this.#thread[what].record(now, now - startedAt, count)
    return now - startedAt
  }
}
