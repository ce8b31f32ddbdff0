import { Kafka, type TopicPartition, UsageError } from '@odradek/client'
import { sleep } from '@odradek/world'
import { consoleLogger, uncaughtAnswer } from '../handlers/handlers.ts'
import { stateChannel } from '../metrics/diagnostics.ts'
import { InstanceMetrics } from '../metrics/instance-metrics.ts'
import type { Metric } from '../metrics/metric.ts'
import { InstanceQueries } from '../queries/instance-queries.ts'
import { StateFolder } from '../state/state-folder.ts'
import { StreamsError } from '../streams-error.ts'
import type { Topology } from '../topology/topology.ts'
import { type InstanceParts, makeParts, releaseParts } from './instance-parts.ts'
import { after, hasEnded, type InstanceEvent, type InstanceState } from './instance-state.ts'
import { freshProcessId } from './process-id.ts'
import { Replacements } from './replacements.ts'
import { type KafkaStreamsOptions, settingsOf, stateFolderOf } from './streams-options.ts'

export interface TaskView {
  /** `<sub-topology>_<partition>`. */
  readonly id: string
  readonly inputs: readonly TopicPartition[]
  readonly isRestoring: boolean
}

type Listener = (state: InstanceState, before: InstanceState) => void

/**
 * An instance of an application: runs a topology on its share of the partitions. Start as many as there is work for.
 *
 *     await using streams = new KafkaStreams(topology, { applicationId: 'word-count', brokers: 'localhost:9092' })
 *     await streams.run({ signal })
 */
export class KafkaStreams extends InstanceQueries implements AsyncDisposable {
  readonly #topology: Topology
  readonly #options: KafkaStreamsOptions
  readonly #kafka: Kafka
  readonly #listeners = new Set<Listener>()
  /** Soft: stop taking records. Hard: stop waiting for brokers. */
  readonly #stopping = new AbortController()
  readonly #abandoning = new AbortController()
  readonly #ended = Promise.withResolvers<void>()
  readonly #metrics: InstanceMetrics
  readonly #processId: string
  readonly #replacements: Replacements
  #state: InstanceState = 'CREATED'
  #starting: Promise<void> | undefined
  #parts: InstanceParts | undefined
  #failure: unknown
  /** What is to end all instances. */
  #fatal: { readonly error: unknown } | undefined
  #isRun = false
  #isPaused = false
  #leaveGroup = true

  constructor(topology: Topology, options: KafkaStreamsOptions) {
    const { applicationId, brokers, kafka, clientId = applicationId, world } = options
    settingsOf(options)
    mustReadSomething(topology)
    super(topology, applicationId, () => ({ state: this.#state, parts: this.#parts }))
    this.#topology = topology
    this.#options = options
    this.#kafka = kafka ?? new Kafka({ brokers: brokers!, clientId, ...(world && { world }) })
    this.#processId = freshProcessId(this.#kafka.cluster.random)
    this.#replacements = new Replacements(this.#kafka.cluster.clock)
    this.#metrics = new InstanceMetrics({ id: applicationId, topology: topology.describe() }, this.#kafka.cluster.clock)
  }

  get state(): InstanceState {
    return this.#state
  }

  /** Answers a function that stops the listening. */
  onStateChange(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Resolves when the internal topics are there and the instance has asked for its share; rejects with what stands in the way. What ends
   * it later is told by `run` and to listeners; where there are none of either it is an unhandled rejection, not silence.
   */
  start(): Promise<void> {
    if (this.#stopping.signal.aborted) return Promise.reject(new UsageError('the instance is closed: make a new one'))
    this.#starting ??= this.#start()
    return this.#starting
  }

  /** Starts, and resolves when the instance has been closed; rejects with what ended it. The signal closes it. */
  async run({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    this.#isRun = true
    const close = () => void this.close().catch(() => {}) // told below
    if (signal?.aborted) close()
    else signal?.addEventListener('abort', close, { once: true })
    try {
      await this.start().catch(error => {
        if (!this.#stopping.signal.aborted) throw error
      })
      await this.#ended.promise
      if (this.#failure !== undefined) throw this.#failure
    } finally {
      signal?.removeEventListener('abort', close)
    }
  }

  /** Resolves at the first time the instance is RUNNING; rejects when it ends before. */
  running(): Promise<void> {
    if (this.#state === 'RUNNING') return Promise.resolve()
    if (hasEnded(this.#state)) return Promise.reject(this.#failure ?? new UsageError('the instance is closed'))
    return new Promise((resolve, reject) => {
      const stop = this.onStateChange(state => {
        if (state !== 'RUNNING' && !hasEnded(state)) return
        stop()
        if (state === 'RUNNING') resolve()
        else reject(this.#failure ?? new UsageError('the instance was closed before it was running'))
      })
    })
  }

  /**
   * Processes what is under way, commits, leaves the group. Once the signal is aborted nothing is waited for: what is not committed is
   * processed again by whoever takes over. Rejects when the last commit failed.
   */
  async close({ signal, leaveGroup = true }: { signal?: AbortSignal; leaveGroup?: boolean } = {}): Promise<void> {
    const abandon = () => this.#abandoning.abort(signal!.reason)
    if (signal?.aborted) abandon()
    else signal?.addEventListener('abort', abandon, { once: true })
    this.#leaveGroup &&= leaveGroup
    const isFirst = !this.#stopping.signal.aborted && !hasEnded(this.#state)
    this.#happened('close')
    this.#stopping.abort()
    if (!this.#starting) await this.#end()
    await this.#ended.promise
    signal?.removeEventListener('abort', abandon)
    if (isFirst && this.#state === 'NOT_RUNNING' && this.#failure !== undefined) throw this.#failure
  }

  /**
   * Removes the state that instances of the application have left in this `stateFolder`, so that it is restored from the changelogs.
   * Throws UsageError unless the instance has not started yet or has ended, and while another one uses the folder.
   */
  async cleanUp(): Promise<void> {
    if (this.#starting && !hasEnded(this.#state))
      throw new UsageError(`The instance is ${this.#state}: clean up before it starts, or after it is closed.`)
    const folder = stateFolderOf(settingsOf(this.#options), this.#topology)
    if (folder === null) return
    const state = StateFolder.open({ folder, applicationId: this.#options.applicationId })
    try {
      state.removeAll()
    } finally {
      await state.close()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /**
   * Tasks take no records until `resume`; the instance keeps its place in the group, restores what it is given and commits what it has
   * done. Harmless when it is paused already, or not started: then it starts paused.
   */
  pause(): void {
    this.#rest(true)
  }

  resume(): void {
    this.#rest(false)
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  /** What was done and how long it took, under the names of Kafka Streams; `odradek:streams:…` channels tell of the same as it happens. */
  metrics(): Metric[] {
    const { tasks, restorer, engine, collector } = this.#parts ?? {}
    const all = tasks ? [...tasks] : []
    const waiting = (task: (typeof all)[number]) =>
      task.input.inputs.reduce((sum, { topic }) => sum + task.waiting(topic), 0)
    return this.#metrics.read({
      state: this.#state,
      thread: hasEnded(this.#state)
        ? undefined
        : engine && collector && { consumer: engine, producer: collector.counts },
      restoring: all.filter(({ id }) => restorer!.isRestoring(id)).length,
      remaining: new Map(all.map(({ id }) => [id, restorer!.remaining(id)])),
      buffered: new Map(all.map(task => [task.id, waiting(task)])),
    })
  }

  /** What this instance works on now. */
  tasks(): TaskView[] {
    if (!this.#parts) return []
    const { tasks, restorer } = this.#parts
    return [...tasks].map(({ id, input }) => ({ id, inputs: input.inputs, isRestoring: restorer.isRestoring(id) }))
  }

  async #start(): Promise<void> {
    this.#happened('start')
    try {
      this.#parts = await this.#makeParts()
    } catch (error) {
      await this.#end(error)
      throw error
    }
    void this.#loop(this.#parts)
  }

  async #makeParts(): Promise<InstanceParts> {
    const parts = await makeParts({
      topology: this.#topology,
      options: this.#options,
      kafka: this.#kafka,
      processId: this.#processId,
      stopping: this.#stopping.signal,
      abandoned: this.#abandoning.signal,
      metrics: this.#metrics,
      shutdown: this.#fatal && textOf(this.#fatal.error),
      onSettled: isSettled => this.#happened(isSettled ? 'settled' : 'moving'),
    })
    parts.thread.isPaused = this.#isPaused
    return parts
  }

  #rest(isPaused: boolean): void {
    this.#isPaused = isPaused
    if (this.#parts) this.#parts.thread.isPaused = isPaused
  }

  async #loop({ thread }: InstanceParts): Promise<void> {
    try {
      await thread.run(this.#stopping.signal)
      await this.#end()
    } catch (error) {
      await this.#uncaught(error)
    }
  }

  #uncaught(error: unknown): Promise<void> {
    this.#metrics.threadFailed()
    const isEnding = this.#stopping.signal.aborted || this.#abandoning.signal.aborted
    if (this.#fatal) return this.#fail(this.#fatal.error)
    if (isEnding || isAsked(error)) return this.#fail(error)
    const answer = uncaughtAnswer(this.#options, error)
    if (answer === 'shutdown-application') this.#fatal = { error }
    return answer === 'replace-thread' || this.#fatal ? this.#replaceThread(error) : this.#fail(error)
  }

  /** Begins anew where the last commit was: everything is let go and made again, after a moment; if only to tell the others to end. */
  async #replaceThread(error: unknown): Promise<void> {
    const { inARow, pauseMs } = this.#replacements.next()
    const { logger = consoleLogger } = this.#options
    logger.error({ error, inARow, pauseMs }, 'The thread has failed. It is replaced, and goes on from the last commit.')
    this.#happened('moving')
    const parts = this.#parts!
    this.#parts = undefined
    try {
      await releaseParts(parts, true).catch(() => {}) // the failure that was told before is the cause
      await sleep(this.#kafka.cluster.clock, pauseMs, this.#stopping.signal).catch(() => {})
      if (this.#stopping.signal.aborted) return await this.#end()
      this.#parts = await this.#makeParts()
    } catch (failure) {
      return this.#fail(this.#fatal ? this.#fatal.error : failure)
    }
    void this.#loop(this.#parts)
  }

  async #fail(error: unknown): Promise<void> {
    await this.#end(error)
    if (this.#state === 'ERROR' && !this.#isRun && this.#listeners.size === 0) void Promise.reject(error)
  }

  /** Lets go of everything, once. A failure on the way out is kept unless there was one before. */
  async #end(failure?: unknown): Promise<void> {
    if (failure !== undefined && !this.#abandoning.signal.aborted) {
      this.#failure = failure
      this.#happened('fail')
    }
    try {
      await this.#release()
    } catch (error) {
      if (!this.#abandoning.signal.aborted) this.#failure ??= error
    }
    this.#happened('ended')
    this.#ended.resolve()
  }

  async #release(): Promise<void> {
    try {
      if (this.#parts) await releaseParts(this.#parts, this.#leaveGroup && !this.#abandoning.signal.aborted)
    } finally {
      if (!this.#options.kafka) await this.#kafka.close()
    }
  }

  #happened(event: InstanceEvent): void {
    const before = this.#state
    this.#state = after(before, event)
    if (this.#state === before) return
    const { applicationId } = this.#options
    if (stateChannel.hasSubscribers) stateChannel.publish({ applicationId, state: this.#state, before })
    for (const listener of this.#listeners) told(listener, this.#state, before)
  }
}

const isAsked = (error: unknown) => error instanceof StreamsError && error.code === 'SHUTDOWN_REQUESTED'
const textOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

/** A listener that throws is a bug of its own, and no reason for records not to be processed. */
function told(listener: Listener, state: InstanceState, before: InstanceState): void {
  try {
    listener(state, before)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}

/** As Kafka Streams: an instance that reads nothing would be RUNNING and do nothing. */
function mustReadSomething(topology: Topology): void {
  if (topology.nodes.length === 0)
    throw new UsageError('The topology reads nothing. Add a source: a stream, a table or a global table.')
}
