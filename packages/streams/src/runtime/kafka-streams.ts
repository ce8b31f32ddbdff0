import {
  type ConsumerEngine,
  createConsumerEngine,
  type EngineOptions,
  Kafka,
  type KafkaOptions,
  type ProducerOptions,
  type TopicPartition,
  UsageError,
} from '@odradek/client'
import { changelogOf } from '../state/state-store.ts'
import { StreamsError } from '../streams-error.ts'
import { topicName } from '../topology/node-spec.ts'
import type { Topology } from '../topology/topology.ts'
import { ActiveTasks } from './active-tasks.ts'
import { type ApplicationTopics, mustNotHaveGrown, prepareTopics } from './application-topics.ts'
import { after, hasEnded, type InstanceEvent, type InstanceState } from './instance-state.ts'
import { ProducerCollector } from './producer-collector.ts'
import { RepartitionPurge } from './repartition-purge.ts'
import { Restorer } from './restorer.ts'
import { mustKnowStore, type ReadOnlyKeyValueStore, storeView } from './store-view.ts'
import { StreamThread } from './stream-thread.ts'
import { type TaskInput, taskAssignor } from './task-assignor.ts'
import { tasksOf } from './task-inputs.ts'

export interface KafkaStreamsOptions {
  /** Instances with the same id share the work. Also the group, and the beginning of every internal topic's name. */
  applicationId: string
  /** Where the cluster is; or give `kafka`, a handle that stays yours to close. */
  brokers?: KafkaOptions['brokers']
  kafka?: Kafka
  /** Default: the application id. */
  clientId?: string
  /** Default 30,000. */
  commitIntervalMs?: number
  /** Default 1,000: a partition with more records waiting is not fetched for the moment. */
  bufferedRecordsPerPartition?: number
  /** Of internal topics. Default -1: as the brokers are configured. */
  replicationFactor?: number
  /** Sessions, fetch sizes, where to begin (default: the earliest record). */
  consumer?: Omit<EngineOptions, 'group' | 'assignors' | 'hooks' | 'autoCreateTopics'>
  producer?: ProducerOptions
  world?: KafkaOptions['world']
}

export interface TaskView {
  /** `<sub-topology>_<partition>`. */
  readonly id: string
  readonly inputs: readonly TopicPartition[]
  readonly isRestoring: boolean
}

type Listener = (state: InstanceState, before: InstanceState) => void

interface Parts {
  readonly engine: ConsumerEngine
  readonly restorer: Restorer
  readonly collector: ProducerCollector
  readonly tasks: ActiveTasks
  readonly thread: StreamThread
  readonly purge: RepartitionPurge
}

/**
 * An instance of an application: runs a topology on its share of the partitions. Start as many as there is work for.
 *
 *     await using streams = new KafkaStreams(topology, { applicationId: 'word-count', brokers: 'localhost:9092' })
 *     await streams.run({ signal })
 */
export class KafkaStreams implements AsyncDisposable {
  readonly #topology: Topology
  readonly #options: KafkaStreamsOptions
  readonly #kafka: Kafka
  readonly #listeners = new Set<Listener>()
  /** Soft: stop taking records. Hard: stop waiting for brokers. */
  readonly #stopping = new AbortController()
  readonly #abandoning = new AbortController()
  readonly #ended = Promise.withResolvers<void>()
  #state: InstanceState = 'CREATED'
  #starting: Promise<void> | undefined
  #parts: Parts | undefined
  #failure: unknown
  #leaveGroup = true

  constructor(topology: Topology, options: KafkaStreamsOptions) {
    const { applicationId, brokers, kafka, clientId = applicationId, world } = options
    if (!applicationId) throw new UsageError('`applicationId` is missing: name the application')
    if ((brokers === undefined) === (kafka === undefined))
      throw new UsageError("say where the cluster is, once: `brokers: 'localhost:9092'` or `kafka`")
    this.#topology = topology
    this.#options = options
    this.#kafka = kafka ?? new Kafka({ brokers: brokers!, clientId, ...(world && { world }) })
  }

  get state(): InstanceState {
    return this.#state
  }

  /** Answers a function that stops the listening. */
  onStateChange(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Resolves when the internal topics are there and the instance has asked for its share; rejects with what stands in the way. */
  start(): Promise<void> {
    if (this.#stopping.signal.aborted) return Promise.reject(new UsageError('the instance is closed: make a new one'))
    this.#starting ??= this.#start()
    return this.#starting
  }

  /** Starts, and resolves when the instance has been closed; rejects with what ended it. The signal closes it. */
  async run({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
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

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** What this instance works on now. */
  tasks(): TaskView[] {
    if (!this.#parts) return []
    const { tasks, restorer } = this.#parts
    return [...tasks].map(({ id, input }) => ({ id, inputs: input.inputs, isRestoring: restorer.isRestoring(id) }))
  }

  /** A store's entries on this instance. Throws a retriable StreamsError unless the instance is RUNNING, then and at each query. */
  store<K, V>(name: string): ReadOnlyKeyValueStore<K, V> {
    mustKnowStore(
      name,
      this.#topology.subtopologies().flatMap(({ stores }) => stores.map(store => store.name)),
    )
    const running = () => {
      if (this.#state === 'RUNNING' && this.#parts) return [...this.#parts.tasks]
      throw new StreamsError(
        'STORE_NOT_READY',
        `Store '${name}' cannot be asked while the instance is ${this.#state}; wait until it is RUNNING.`,
        { retriable: this.#state === 'CREATED' || this.#state === 'REBALANCING' },
      )
    }
    running()
    return storeView<K, V>(name, running)
  }

  async #start(): Promise<void> {
    this.#happened('start')
    try {
      this.#parts = await this.#prepare()
      if (this.#stopping.signal.aborted) return void this.#end()
    } catch (error) {
      await this.#end(error)
      throw error
    }
    void this.#loop(this.#parts)
  }

  async #prepare(): Promise<Parts> {
    const { applicationId, consumer, producer, replicationFactor = -1 } = this.#options
    const { commitIntervalMs = 30_000, bufferedRecordsPerPartition = 1_000 } = this.#options
    const { cluster } = this.#kafka
    const admin = this.#kafka.admin()
    const subtopologies = this.#topology.subtopologies()
    let topics: ApplicationTopics
    const assignor = taskAssignor(partitionsOf => {
      mustNotHaveGrown(topics.widths, partitionsOf)
      return tasksOf(subtopologies, applicationId, partitionsOf)
    })
    const engine = createConsumerEngine(cluster, {
      from: 'earliest',
      ...consumer,
      group: applicationId,
      assignors: [assignor],
      autoCreateTopics: false,
      hooks: {
        onAssigned: partitions => thread.assigned(partitions),
        onRevoked: partitions => thread.revoked(partitions),
        onLost: partitions => thread.lost(partitions),
      },
    })
    const partitionsOf = (topic: string) => engine.partitionsOf(topic)
    try {
      topics = await prepareTopics({ topology: this.#topology, applicationId, admin, replicationFactor, partitionsOf })
    } catch (error) {
      await engine.close()
      throw error
    }
    const restorer = new Restorer(createConsumerEngine(cluster, { from: 'earliest', autoCreateTopics: false }))
    const collector = new ProducerCollector(this.#kafka.producer(producer), topic => this.#writersOf(topic))
    const tasksAmong = async (partitions: readonly TopicPartition[]): Promise<TaskInput[]> => {
      const has = (at: TopicPartition) => partitions.some(p => p.topic === at.topic && p.partition === at.partition)
      return tasksOf(subtopologies, applicationId, topic => topics.widths.get(topic) ?? 0).filter(({ inputs }) =>
        inputs.some(has),
      )
    }
    const tasks = new ActiveTasks({ applicationId, subtopologies, engine, restorer, collector, tasksAmong })
    const purge = new RepartitionPurge({
      clock: cluster.clock,
      admin,
      isRepartition: topic => topics.repartitions.has(topic),
    })
    const thread = new StreamThread({
      clock: cluster.clock,
      engine,
      restorer,
      collector,
      tasks,
      commitIntervalMs,
      bufferedRecordsPerPartition,
      abandoned: this.#abandoning.signal,
      onSettled: isSettled => this.#happened(isSettled ? 'settled' : 'moving'),
      onCommitted: offsets => purge.committed(offsets),
    })
    engine.subscribe(
      subtopologies.flatMap(({ sourceTopics }) => sourceTopics.map(topic => topicName(topic, applicationId))),
    )
    return { engine, restorer, collector, tasks, thread, purge }
  }

  async #loop({ thread }: Parts): Promise<void> {
    try {
      await thread.run(this.#stopping.signal)
      await this.#end()
    } catch (error) {
      await this.#end(error)
    }
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
    const { engine, restorer, collector, purge } = this.#parts ?? {}
    try {
      await engine?.close({ leaveGroup: this.#leaveGroup })
    } finally {
      await restorer?.close()
      await collector?.close()
      await purge?.close()
      if (!this.#options.kafka) await this.#kafka.close()
    }
  }

  #happened(event: InstanceEvent): void {
    const before = this.#state
    this.#state = after(before, event)
    if (this.#state !== before) for (const listener of this.#listeners) listener(this.#state, before)
  }

  /** For messages: the sinks and stores that write a topic. */
  #writersOf(topic: string): string {
    const { applicationId } = this.#options
    const sinks = this.#topology.nodes.filter(
      node => node.kind === 'sink' && topicName(node.topic, applicationId) === topic,
    )
    const stores = this.#topology
      .subtopologies()
      .flatMap(({ stores }) => stores.filter(store => `${applicationId}-${changelogOf(store)}` === topic))
    return [...sinks.map(({ name }) => `node ${name}`), ...stores.map(({ name }) => `store ${name}`)].join(', ')
  }
}
