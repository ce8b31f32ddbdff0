/**
 * A cluster of brokers in this process that do as a test tells them, over a memory wire and through the real codec.
 *
 * By default it answers what a small healthy cluster would to producers, with and without transactions.
 * `on` replaces the answer to an API; `once` queues a single answer ahead of it. Requests of one connection are handled as they
 * arrive and answered in their order.
 */
import {
  type AnyApi,
  ApiVersions,
  apiByKey,
  apis,
  ConsumerGroupHeartbeat,
  decodeRequestBody,
  decodeRequestHeader,
  encodeResponse,
  FrameSplitter,
  type Request,
  type RequestHeader,
  type ResponseInput,
} from '@odradek/protocol'
import { type Address, type Connection, type Listener, memoryWire, type Wire } from '@odradek/world'
import { healthyAnswers } from './healthy-answers.ts'
import { PartitionModel } from './partition-model.ts'

export interface Call {
  readonly node: ScriptedNode
  readonly version: number
  readonly header: RequestHeader
  readonly connection: Connection
}

/**
 * `silence`: the connection hangs, neither this nor a later request is answered. `hang-up`: the connection is closed. `nothing`: this
 * request has no answer (Produce with acks 0).
 */
export type Answer<A> = ResponseInput<A> | 'silence' | 'hang-up' | 'nothing'
export type Handler<A> = (request: Request<A>, call: Call) => Answer<A> | Promise<Answer<A>>

export interface ScriptedTopic {
  readonly topicId: string
  readonly partitions: PartitionModel[]
  /** Node id per partition. */
  readonly leaders: number[]
}

export interface ScriptedOptions {
  readonly nodes?: number
  /** Partitions of each topic that exists from the start. */
  readonly topics?: Record<string, number>
  readonly autoCreate?: boolean
  /** A memory wire of its own by default. */
  readonly wire?: Wire
}

export class ScriptedCluster implements AsyncDisposable {
  readonly wire: Wire
  readonly nodes: ScriptedNode[] = []
  readonly topics = new Map<string, ScriptedTopic>()
  readonly autoCreate: boolean
  /** Every request that came, in order. */
  readonly seen: { api: string; version: number; node: number; request: any }[] = []
  nextProducerId = 1000n
  #topicIds = 0
  readonly #handlers = new Map<number, Handler<any>>()
  readonly #queued = new Map<number, Handler<any>[]>()
  readonly #watchers = new Set<() => void>()

  static async start(options: ScriptedOptions = {}): Promise<ScriptedCluster> {
    const cluster = new ScriptedCluster(options)
    for (let id = 0; id < (options.nodes ?? 1); id++) cluster.nodes.push(await ScriptedNode.start(cluster, id))
    for (const [name, partitions] of Object.entries(options.topics ?? {})) cluster.addTopic(name, partitions)
    return cluster
  }

  private constructor({ autoCreate = false, wire = memoryWire() }: ScriptedOptions) {
    this.autoCreate = autoCreate
    this.wire = wire
    for (const [api, handler] of healthyAnswers(this)) this.#handlers.set(api.key, handler)
  }

  get bootstrap(): string {
    return this.nodes.map(node => `${node.address.host}:${node.address.port}`).join(',')
  }

  addTopic(name: string, partitions: number): ScriptedTopic {
    const topicId = `00000000-0000-4000-8000-${String(++this.#topicIds).padStart(12, '0')}`
    const topic = {
      topicId,
      partitions: Array.from({ length: partitions }, () => new PartitionModel()),
      leaders: Array.from({ length: partitions }, (_, i) => i % this.nodes.length),
    }
    this.topics.set(name, topic)
    return topic
  }

  partition(topic: string, index = 0): PartitionModel {
    return this.topics.get(topic)!.partitions[index]!
  }

  on<A extends AnyApi>(api: A, handler: Handler<A>): void {
    this.#handlers.set(api.key, handler)
  }

  once<A extends AnyApi>(api: A, handler: Handler<A>): void {
    const queue = this.#queued.get(api.key)
    if (queue) queue.push(handler)
    else this.#queued.set(api.key, [handler])
  }

  /** The answer that `on` or the healthy default gives: for handlers that change it. */
  healthy<A extends AnyApi>(api: A, request: Request<A>, call: Call): Answer<A> | Promise<Answer<A>> {
    return healthyAnswers(this).get(api)!(request, call) as Answer<A>
  }

  /** How many requests of an API came. */
  count(api: AnyApi): number {
    return this.seen.filter(({ api: name }) => name === api.name).length
  }

  /** Resolves when `count(api)` has reached `count`. */
  arrived(api: AnyApi, count: number): Promise<void> {
    return new Promise(resolve => {
      const look = () => {
        if (this.count(api) < count) return
        this.#watchers.delete(look)
        resolve()
      }
      this.#watchers.add(look)
      look()
    })
  }

  handle(request: any, api: AnyApi, call: Call): Answer<AnyApi> | Promise<Answer<AnyApi>> {
    this.seen.push({ api: api.name, version: call.version, node: call.node.id, request })
    const handler = this.#queued.get(api.key)?.shift() ?? this.#handlers.get(api.key)
    for (const look of [...this.#watchers]) look()
    if (!handler) throw new Error(`the scripted broker was asked ${api.name} and was not told what to answer`)
    return handler(request, call)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map(node => node.stop()))
  }
}

export class ScriptedNode {
  readonly id: number
  address: Address
  /** What Metadata says; the real address unless a test lies. */
  advertised: Address
  /** Version ranges in ApiVersions. Tests of groups of the consumer protocol offer its heartbeat, the others are about classic ones. */
  ranges: { apiKey: number; minVersion: number; maxVersion: number }[] = [...apis.values()]
    .filter(api => (api as AnyApi) !== ConsumerGroupHeartbeat)
    .map(({ key, versions }) => ({ apiKey: key, minVersion: versions[0], maxVersion: versions[1] }))
  /** Levels of finalized features in ApiVersions. */
  features: Record<string, number> = {}
  readonly connections = new Set<Connection>()
  readonly #cluster: ScriptedCluster
  #listener: Listener | undefined

  static async start(cluster: ScriptedCluster, id: number): Promise<ScriptedNode> {
    const node = new ScriptedNode(cluster, id)
    await node.listen()
    return node
  }

  private constructor(cluster: ScriptedCluster, id: number) {
    this.#cluster = cluster
    this.id = id
    this.address = this.advertised = { host: '127.0.0.1', port: 0 }
  }

  get isUp(): boolean {
    return this.#listener !== undefined
  }

  /** Offers only versions `min` to `max` of an API. */
  offers(api: AnyApi, min: number, max: number): void {
    const offered = { apiKey: api.key, minVersion: min, maxVersion: max }
    this.ranges = [...this.ranges.filter(({ apiKey }) => apiKey !== api.key), offered]
  }

  async listen(): Promise<void> {
    this.#listener = await this.#cluster.wire.listen(this.address, connection => this.#accept(connection))
    this.address = this.advertised = this.#listener.address
  }

  hangUp(): void {
    for (const connection of this.connections) connection.destroy()
  }

  async stop(): Promise<void> {
    await this.#listener?.close()
    this.#listener = undefined
    this.hangUp()
  }

  #accept(connection: Connection): void {
    this.connections.add(connection)
    const frames = new FrameSplitter(100 * 1024 * 1024)
    let answered: Promise<unknown> = Promise.resolve()
    connection.handle({
      received: bytes => {
        for (const frame of frames.push(bytes)) {
          const answer = this.#answer(frame, connection)
          answered = answered.then(() => answer).then(send => send())
        }
      },
      closed: () => this.connections.delete(connection),
    })
  }

  /** Starts at once; what it resolves to sends the answer when its turn has come. */
  async #answer(frame: Uint8Array, connection: Connection): Promise<() => unknown> {
    const header = decodeRequestHeader(frame)
    const api = apiByKey(header.apiKey)!
    const range = this.ranges.find(({ apiKey }) => apiKey === api.key)
    if (api.key === ApiVersions.key && range && header.apiVersion > range.maxVersion) {
      const refusal = { errorCode: 35, apiKeys: [range] }
      return () => connection.send(encodeResponse(ApiVersions, 0, header.correlationId, refusal))
    }
    const request = decodeRequestBody(api, header.apiVersion, frame, header.bodyAt)
    const answer = await this.#cluster.handle(request, api, {
      node: this,
      version: header.apiVersion,
      header,
      connection,
    })
    if (answer === 'hang-up') return () => connection.destroy()
    if (answer === 'nothing') return () => {}
    if (answer === 'silence') return () => never
    return () => connection.send(encodeResponse(api, header.apiVersion, header.correlationId, answer as any))
  }
}

const never = new Promise<never>(() => {})
