/**
 * The cluster as every part of a client sees it: somebody to call, the leaders of partitions, coordinators. Shared by producers,
 * consumers and admin of one `Kafka` handle, so that they share metadata and connections.
 *
 * Who answers a call to `'any'`: an open connection if there is one, else the discovered brokers and then the bootstrap addresses
 * in rotation, so a client outlives the brokers it was started with. One call is one attempt; `retrying` makes several.
 */
import {
  type AnyApi,
  ConnectionError,
  ErrorCodes,
  Metadata,
  ProtocolError,
  type RequestInput,
  type Response,
  UsageError,
} from '@odradek/protocol'
import { type Address, type Clock, type Random, sleep, type Timer } from '@odradek/world'
import { abandonable } from './abandon.ts'
import { formatAddress } from './address.ts'
import { type Backoff, backoffMs, defaultBackoff } from './backoff.ts'
import type { BrokerConnection, CallOptions, ConnectionSettings } from './connection.ts'
import { Connections } from './connections.ts'
import { type Coordinator, type CoordinatorKind, Coordinators } from './coordinators.ts'
import { type Attempt, advertisedUnreachable, nobodyAnswers, topicUnavailable } from './failures.ts'
import {
  type BrokerNode,
  isUsable,
  type MetadataAnswer,
  mergeTopic,
  readMetadata,
  type TopicMetadata,
} from './metadata.ts'
import { recoveryOf } from './recovery.ts'
import { type RetryOptions, retrying } from './retry.ts'

export interface ClusterOptions {
  readonly bootstrap: () => Promise<readonly Address[]>
  readonly connection: ConnectionSettings
  readonly random: Random
  readonly backoff?: Backoff | undefined
  /** Metadata is asked for again after this time even when nothing fails. */
  readonly metadataMaxAgeMs: number
  /** How long `retrying` goes on when its caller does not say. */
  readonly retryTimeoutMs: number
}

/** A node id, or whoever answers, or the node that the metadata calls controller. */
export type Target = number | 'any' | 'controller'

export interface ClusterCallOptions extends CallOptions {
  /** Calls of different purposes use different connections and do not wait for each other. */
  readonly purpose?: string | undefined
}

export interface MetadataOptions {
  readonly signal?: AbortSignal | undefined
  readonly timeoutMs?: number | undefined
  /** Lets a broker that is configured so make topics that are missing. */
  readonly autoCreate?: boolean | undefined
  /** Asks even when the answer is known. */
  readonly fresh?: boolean | undefined
}

export class Cluster {
  readonly clock: Clock
  readonly random: Random
  readonly #options: ClusterOptions
  readonly #connections: Connections
  readonly #coordinators: Coordinators = new Coordinators(this)
  readonly #topics = new Map<string, TopicMetadata>()
  /** Topics in use that have disappeared, and since when: they may be made again. */
  readonly #missing = new Map<string, number>()
  readonly #listeners = new Set<() => void>()
  readonly #reached = new Set<string>()
  #brokers: ReadonlyMap<number, BrokerNode> = new Map()
  #clusterId: string | null = null
  #controllerId = -1
  #lastAnswerFrom: Address | undefined
  #rotation = 0
  #refreshing: Promise<void> | undefined
  #refreshNotBefore = 0
  #failedRefreshes = 0
  #aging: Timer | undefined
  #closed: Error | undefined

  constructor(options: ClusterOptions) {
    this.#options = options
    this.clock = options.connection.clock
    this.random = options.random
    this.#connections = new Connections(options.connection)
  }

  get clusterId(): string | null {
    return this.#clusterId
  }

  get controllerId(): number {
    return this.#controllerId
  }

  get brokers(): ReadonlyMap<number, BrokerNode> {
    return this.#brokers
  }

  get retryTimeoutMs(): number {
    return this.#options.retryTimeoutMs
  }

  get backoff(): Backoff {
    return this.#options.backoff ?? defaultBackoff
  }

  /** What is known of a topic; nothing is asked. */
  topic(name: string): TopicMetadata | undefined {
    return this.#topics.get(name)
  }

  /** The node that leads the partition as far as is known, -1 when none is known. Nothing is asked. */
  leaderOf(topic: string, partition: number): number {
    return this.#topics.get(topic)?.partitions[partition]?.leader ?? -1
  }

  /** Calls `run` after each change of metadata; the function returned ends that. */
  onMetadata(run: () => void): () => void {
    this.#listeners.add(run)
    return () => this.#listeners.delete(run)
  }

  /** One attempt: opens the connection when needed, sends, and waits for the answer. Error codes in the answer are the caller's. */
  async call<A extends AnyApi>(
    target: Target,
    api: A,
    input: RequestInput<A>,
    options: ClusterCallOptions = {},
  ): Promise<Response<A>> {
    const connection = await this.connection(target, options.purpose, options.signal)
    try {
      return await connection.call(api, input, options)
    } catch (error) {
      if (error instanceof ConnectionError) this.#rotation++
      throw error
    }
  }

  /** The connection to `target` if it is open now. */
  readyConnection(nodeId: number, purpose = 'main'): BrokerConnection | undefined {
    return this.#connections.ready(String(nodeId), purpose)
  }

  /** Attempts until one succeeds or the failure is final, refreshing metadata in between where the error says so. */
  retrying<T>(
    options: { signal?: AbortSignal | undefined; timeoutMs?: number | undefined; recover?: RetryOptions['recover'] },
    attempt: (n: number) => Promise<T>,
  ): Promise<T> {
    const { signal, timeoutMs = this.#options.retryTimeoutMs } = options
    const recover = options.recover ?? (recovery => (recovery === 'refresh' ? this.refresh() : undefined))
    const untilClosed = (n: number) => (this.#closed ? Promise.reject(this.#closed) : attempt(n))
    return retrying(
      { clock: this.clock, random: this.random, backoff: this.backoff, timeoutMs, signal, recover },
      untilClosed,
    )
  }

  /** The node that coordinates `key`, looked up when it is not known. */
  async coordinator(kind: CoordinatorKind, key: string, options: { signal?: AbortSignal } = {}): Promise<number> {
    const found = await this.#coordinators.find(kind, key, options.signal)
    this.#meet(found)
    return found.nodeId
  }

  /** To be called on NOT_COORDINATOR and COORDINATOR_NOT_AVAILABLE, and when the coordinator cannot be reached. */
  forgetCoordinator(kind: CoordinatorKind, key: string): void {
    this.#coordinators.forget(kind, key)
  }

  /** Topics with a leader for every partition; asks, and asks again, until it is so. Fails when a topic does not come to be in time. */
  async metadata(names: readonly string[], options: MetadataOptions = {}): Promise<TopicMetadata[]> {
    const { signal, timeoutMs, autoCreate = false } = options
    let ask = options.fresh === true
    return this.retrying({ signal, timeoutMs, recover: () => undefined }, async () => {
      const missing = ask ? names : names.filter(name => !this.#isUsable(name))
      ask = false
      if (missing.length > 0) {
        const { failed } = await this.describe(missing, { signal, autoCreate })
        for (const [topic, code] of failed) throw topicUnavailable(topic, code, this.#where(), autoCreate)
        const leaderless = missing.find(name => !this.#isUsable(name))
        if (leaderless !== undefined) throw topicUnavailable(leaderless, undefined, this.#where(), autoCreate)
      }
      return names.map(name => this.#topics.get(name)!)
    })
  }

  /** Asks once for brokers and topics (null: all topics), and remembers the answer. */
  async describe(
    names: readonly string[] | null,
    options: { signal?: AbortSignal | undefined; autoCreate?: boolean } = {},
  ): Promise<MetadataAnswer> {
    const connection = await this.connection('any', 'main', options.signal)
    const topics = names?.map(name => ({ name })) ?? null
    const input = { topics, allowAutoTopicCreation: options.autoCreate ?? false }
    try {
      const response = await connection.call(Metadata, input, { signal: options.signal })
      if (response.errorCode !== ErrorCodes.NONE) throw this.#sentBack(response.errorCode)
      const answer = readMetadata(response)
      this.#lastAnswerFrom = connection.address
      this.#absorb(answer, names !== null)
      return answer
    } catch (error) {
      if (error instanceof ConnectionError) this.#rotation++
      throw error
    }
  }

  /** Asks anew about all topics in use. Calls made meanwhile share one question; questions keep a pause between them. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refreshSoon()
    return this.#refreshing
  }

  /** Opens, or finds open, the connection to `target`. */
  connection(target: Target, purpose = 'main', signal?: AbortSignal): Promise<BrokerConnection> {
    if (this.#closed) return Promise.reject(this.#closed)
    if (target === 'any') return abandonable(this.#anyConnection(purpose), signal)
    if (target === 'controller') return abandonable(this.#controllerConnection(purpose), signal)
    const open = this.#connections.ready(String(target), purpose)
    return open ? Promise.resolve(open) : abandonable(this.#nodeConnection(target, purpose), signal)
  }

  closePurpose(purpose: string): void {
    this.#connections.closePurpose(purpose)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = new UsageError('the Kafka handle is closed: make a new one to go on')
    this.#aging?.cancel()
    this.#listeners.clear()
    this.#connections.close(this.#closed)
  }

  async #anyConnection(purpose: string): Promise<BrokerConnection> {
    const bootstrap = await this.#options.bootstrap()
    const discovered = [...this.#brokers.values()].map(broker => ({
      node: String(broker.nodeId),
      address: broker as Address,
    }))
    const initial = bootstrap.map(address => ({ node: `bootstrap:${formatAddress(address)}`, address }))
    const candidates = [...discovered, ...initial]
    const open = candidates.map(({ node }) => this.#connections.ready(node, purpose)).filter(c => c !== undefined)
    if (open.length > 0) return open.reduce((least, next) => (next.inFlight < least.inFlight ? next : least))
    const failed: Attempt[] = []
    for (let i = 0; i < candidates.length; i++) {
      const { node, address } = candidates[(this.#rotation + i) % candidates.length]!
      if (failed.some(attempt => formatAddress(attempt.address) === formatAddress(address))) continue
      try {
        return await this.#connections.to(node, purpose, address)
      } catch (error) {
        if (this.#closed) throw this.#closed
        failed.push({ address, error: error as Error })
      }
    }
    const final = failed.find(({ error }) => recoveryOf(error) === 'give-up')
    throw final?.error ?? nobodyAnswers(failed)
  }

  async #controllerConnection(purpose: string): Promise<BrokerConnection> {
    if (!this.#brokers.has(this.#controllerId)) await this.describe([])
    return this.#brokers.has(this.#controllerId)
      ? this.#nodeConnection(this.#controllerId, purpose)
      : this.#anyConnection(purpose)
  }

  async #nodeConnection(nodeId: number, purpose: string): Promise<BrokerConnection> {
    if (!this.#brokers.has(nodeId)) await this.describe([])
    const broker = this.#brokers.get(nodeId)
    if (!broker)
      throw new ConnectionError(`node ${nodeId} is not among the cluster's brokers for now`, { api: Metadata.name })
    const address = { host: broker.host, port: broker.port }
    try {
      const connection = await this.#connections.to(String(nodeId), purpose, address)
      this.#reached.add(formatAddress(address))
      return connection
    } catch (error) {
      const told = this.#lastAnswerFrom
      const isStrange =
        told && formatAddress(told) !== formatAddress(address) && !this.#reached.has(formatAddress(address))
      if (!isStrange || !(error instanceof ConnectionError)) throw error
      throw advertisedUnreachable(told, nodeId, address, error)
    }
  }

  /** A broker that is not of this cluster any more sends its clients back to where they began (KIP-1102). */
  #sentBack(errorCode: number): Error {
    this.#brokers = new Map()
    const cause = new ProtocolError(errorCode, { api: Metadata.name })
    return new ConnectionError(`the broker cannot answer for its cluster: ${cause.message}`, {
      api: Metadata.name,
      cause,
    })
  }

  #absorb(answer: MetadataAnswer, isTracked: boolean): void {
    if (answer.brokers.size > 0) this.#brokers = answer.brokers
    this.#clusterId = answer.clusterId ?? this.#clusterId
    this.#controllerId = answer.controllerId
    for (const topic of answer.topics) {
      const known = this.#topics.get(topic.name)
      if (known || isTracked) this.#topics.set(topic.name, mergeTopic(known, topic))
      this.#missing.delete(topic.name)
    }
    for (const [topic, code] of answer.failed) if (isGone(code)) this.#miss(topic)
    this.#connections.prune(node => this.#brokers.get(Number(node)))
    this.#aging ??= this.#age()
    for (const run of this.#listeners) run()
  }

  #miss(topic: string): void {
    const now = this.clock.monotonic()
    const since = this.#missing.get(topic)
    if (this.#topics.delete(topic)) this.#missing.set(topic, now)
    else if (since !== undefined && now - since > this.#options.metadataMaxAgeMs) this.#missing.delete(topic)
  }

  /** A coordinator may be a node that metadata has not told of yet. */
  #meet({ nodeId, host, port }: Coordinator): void {
    if (!this.#brokers.has(nodeId))
      this.#brokers = new Map(this.#brokers).set(nodeId, { nodeId, host, port, rack: null })
  }

  async #refreshSoon(): Promise<void> {
    try {
      const pause = this.#refreshNotBefore - this.clock.monotonic()
      if (pause > 0) await sleep(this.clock, pause)
      await this.describe([...this.#topics.keys(), ...this.#missing.keys()])
      this.#failedRefreshes = 0
    } catch (error) {
      this.#failedRefreshes++
      throw error
    } finally {
      this.#refreshNotBefore =
        this.clock.monotonic() + backoffMs(Math.max(1, this.#failedRefreshes), this.random, this.backoff)
      this.#refreshing = undefined
    }
  }

  #age(): Timer {
    return this.clock.timer(this.#options.metadataMaxAgeMs, () => {
      this.#aging = this.#age()
      this.refresh().catch(() => {}) // the next call that needs it will say what is wrong
    })
  }

  #isUsable(name: string): boolean {
    const topic = this.#topics.get(name)
    return topic !== undefined && isUsable(topic)
  }

  #where(): string {
    return this.#lastAnswerFrom ? formatAddress(this.#lastAnswerFrom) : 'the cluster'
  }
}

function isGone(code: number): boolean {
  return code === ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION || code === ErrorCodes.UNKNOWN_TOPIC_ID
}
