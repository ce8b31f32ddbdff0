/**
 * Carries batches to the leaders of their partitions: one batch per partition and request, at most `maxInFlight` requests per node.
 *
 * When it sends: a node with nothing under way gets what there is at the end of the turn, so a lone record waits for nothing and
 * records sent in one go travel together. While requests are under way, batches are sent as they fill up, and the rest when all
 * have been answered or `lingerMs` has passed, whichever comes first.
 */
import { noId, Produce, type RequestInput } from '@odradek/protocol'
import type { Clock, Timer } from '@odradek/world'
import { backoffMs } from '../cluster/backoff.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { BrokerConnection } from '../cluster/connection.ts'
import { recoveryOf } from '../cluster/recovery.ts'
import { producerTroubleChannel } from '../diagnostics.ts'
import type { ProducerBatch } from './batch.ts'
import { deliveryTimedOut } from './delivery-failures.ts'
import type { ProducerIds } from './identity.ts'
import type { ResolvedProducerOptions } from './options.ts'
import { outcomeOf, outcomeOfLoss, recoveryFor } from './outcome.ts'
import type { Outcome, PartitionQueue } from './partition-queue.ts'
import type { TransactionGate } from './transactions/transaction-gate.ts'

interface NodeLane {
  readonly nodeId: number
  /** Queues that have something to send, in turn. */
  readonly waiting: Set<PartitionQueue>
  inFlight: number
  /** Open batches are to be sent too, as soon as there is room. */
  isDue: boolean
  isScheduled: boolean
  isConnecting: boolean
  linger: Timer | undefined
  /** It has been connected to, ever. */
  wasReached: boolean
  /** When trying to connect began to fail. */
  failingSince: number | undefined
}

/** Who a sender writes as. */
export interface SenderRole {
  readonly identity: ProducerIds | undefined
  /** Lets batches pass whose partition is part of the transaction. */
  readonly gate: TransactionGate | undefined
  /** Told of batches whose bytes nobody needs any more. */
  readonly reuse: (batch: ProducerBatch) => void
}

interface Parcel {
  readonly queue: PartitionQueue
  readonly batch: ProducerBatch
}

const purpose = 'produce'

export class Sender {
  readonly #cluster: Cluster
  readonly #clock: Clock
  readonly #options: ResolvedProducerOptions
  readonly #identity: ProducerIds | undefined
  readonly #gate: TransactionGate | undefined
  readonly #reuse: (batch: ProducerBatch) => void
  readonly #queues: PartitionQueue[] = []
  readonly #nodes = new Map<number, NodeLane>()
  readonly #stopListening: () => void
  #expiry: Timer | undefined
  #lastFailure: Error | undefined
  #isRefreshing = false
  #isClosed = false

  constructor(cluster: Cluster, options: ResolvedProducerOptions, role: SenderRole) {
    this.#cluster = cluster
    this.#clock = cluster.clock
    this.#options = options
    this.#identity = role.identity
    this.#gate = role.gate
    this.#reuse = role.reuse
    this.#stopListening = cluster.onMetadata(() => this.#followLeaders())
  }

  adopt(queue: PartitionQueue): void {
    queue.leader = this.#cluster.leaderOf(queue.topic, queue.partition)
    this.#queues.push(queue)
  }

  /** The queue has a new open batch. */
  opened(queue: PartitionQueue): void {
    this.#expiry ??= this.#clock.timer(this.#options.deliveryTimeoutMs, () => this.#expire(), { keepAlive: true })
    const node = this.#list(queue)
    if (!node) return
    if (node.inFlight === 0) this.#schedule(node)
    else node.linger ??= this.#clock.timer(this.#options.lingerMs, () => this.#due(node), { keepAlive: true })
  }

  /** The queue has a batch that is full. */
  filled(queue: PartitionQueue): void {
    const node = this.#list(queue)
    if (node && !node.isScheduled) this.#drain(node)
  }

  /** Sends what there is without waiting for more. */
  sendAll(): void {
    for (const node of this.#nodes.values()) this.#due(node)
  }

  close(error: Error): void {
    this.#isClosed = true
    this.#stopListening()
    this.#expiry?.cancel()
    for (const node of this.#nodes.values()) node.linger?.cancel()
    for (const queue of this.#queues) queue.expire(Number.POSITIVE_INFINITY, () => error)
  }

  #list(queue: PartitionQueue): NodeLane | undefined {
    if (queue.leader < 0) {
      this.#refresh()
      return undefined
    }
    let node = this.#nodes.get(queue.leader)
    if (!node) {
      node = {
        nodeId: queue.leader,
        waiting: new Set(),
        inFlight: 0,
        isDue: false,
        isScheduled: false,
        isConnecting: false,
        linger: undefined,
        wasReached: false,
        failingSince: undefined,
      }
      this.#nodes.set(queue.leader, node)
    }
    node.waiting.add(queue)
    return node
  }

  #schedule(node: NodeLane): void {
    if (node.isScheduled) return
    node.isScheduled = true
    this.#clock.soon(() => {
      node.isScheduled = false
      this.#due(node)
    })
  }

  #due(node: NodeLane): void {
    node.linger?.cancel()
    node.linger = undefined
    node.isDue = true
    this.#drain(node)
  }

  #drain(node: NodeLane): void {
    if (this.#isClosed || node.isConnecting) return
    while (node.inFlight < this.#options.maxInFlight && node.waiting.size > 0) {
      if (this.#identity && !this.#hasIdentity(node)) return
      const connection = this.#cluster.readyConnection(node.nodeId, purpose)
      if (!connection) {
        this.#connect(node)
        return
      }
      const parcels = this.#collect(node)
      if (parcels.length === 0) break
      this.#send(node, connection, parcels)
    }
    if (node.inFlight < this.#options.maxInFlight) node.isDue = false
  }

  #hasIdentity(node: NodeLane): boolean {
    const source = this.#identity!
    let spentId: bigint | undefined
    for (const queue of node.waiting)
      if (queue.spentId !== undefined && queue.spentId === source.current?.producerId) spentId = queue.spentId
    if (source.current && spentId === undefined) return true
    node.isConnecting = true
    source.obtain(spentId).then(
      () => this.#prepared(node),
      error => this.#failedToPrepare(node, error),
    )
    return false
  }

  #connect(node: NodeLane): void {
    node.isConnecting = true
    this.#cluster.connection(node.nodeId, purpose).then(
      () => {
        node.wasReached = true
        this.#prepared(node)
      },
      error => this.#failedToPrepare(node, error),
    )
  }

  #prepared(node: NodeLane): void {
    node.failingSince = undefined
    this.#goOn(node)
  }

  #goOn(node: NodeLane): void {
    node.isConnecting = false
    this.#due(node)
  }

  /**
   * Nothing was sent; what waits stays until it can be, or until its time is over, unless there is no hope. A broker that has never
   * been reached is given up sooner: its address is wrong more often than it is down.
   */
  #failedToPrepare(node: NodeLane, error: Error): void {
    this.#lastFailure = error
    const now = this.#clock.monotonic()
    node.failingSince ??= now
    const isStrange = !node.wasReached && now - node.failingSince >= this.#cluster.retryTimeoutMs
    if (isStrange || recoveryOf(error) === 'give-up') {
      node.failingSince = undefined
      node.isConnecting = false
      for (const queue of node.waiting) queue.expire(Number.POSITIVE_INFINITY, () => error)
      node.waiting.clear()
      return
    }
    this.#refresh()
    this.#clock.timer(backoffMs(1, this.#cluster.random, this.#cluster.backoff), () => this.#goOn(node), {
      keepAlive: true,
    })
  }

  #collect(node: NodeLane): Parcel[] {
    const now = this.#clock.monotonic()
    const identity = this.#identity?.current
    const parcels: Parcel[] = []
    let bytes = 0
    for (const queue of [...node.waiting]) {
      if (bytes + this.#options.batchBytes > this.#options.maxRequestBytes && parcels.length > 0) break
      if (!queue.hasReady && !queue.open) node.waiting.delete(queue)
      if ((!node.isDue && !queue.hasReady) || !queue.canTake(now, identity)) continue
      if (this.#gate && !this.#gate.admits(queue)) continue
      const batch = queue.take(now, identity)!
      parcels.push({ queue, batch })
      bytes += batch.bytes
      node.waiting.delete(queue)
      if (queue.hasReady || queue.open) node.waiting.add(queue) // behind the others
    }
    return parcels
  }

  #send(node: NodeLane, connection: BrokerConnection, parcels: Parcel[]): void {
    const { acks, requestTimeoutMs } = this.#options
    const { input, maxVersion } = this.#request(parcels)
    if (acks === 0) {
      this.#tell(connection, input, maxVersion, parcels)
      return
    }
    node.inFlight++
    connection.call(Produce, input, { timeoutMs: requestTimeoutMs, maxVersion }).then(
      response => {
        const answers = new Map(
          response.responses.flatMap(t =>
            t.partitionResponses.map(p => [`${p.index} ${t.name || t.topicId}`, p] as const),
          ),
        )
        // By the ids that were sent: a topic may have been made anew since.
        const sentIds = new Map(input.topicData.map(({ name, topicId }) => [name, topicId]))
        const byId = response.responses.some(t => t.name === '')
        this.#answered(node, parcels, ({ topic, partition }, pauseMs) => {
          const answer = answers.get(`${partition} ${byId ? sentIds.get(topic) : topic}`)
          const context = { topic, partition, isIdempotent: this.#identity !== undefined, pauseMs }
          if (!answer)
            return outcomeOfLoss(new Error(`the broker's answer to Produce leaves out ${topic}-${partition}`), pauseMs)
          return outcomeOf(answer, context)
        })
      },
      (error: Error) => this.#answered(node, parcels, (_, pauseMs) => outcomeOfLoss(error, pauseMs)),
    )
  }

  #tell(
    connection: BrokerConnection,
    input: RequestInput<typeof Produce>,
    maxVersion: number | undefined,
    parcels: Parcel[],
  ): void {
    let outcome: Outcome = { kind: 'delivered', baseOffset: -1, appendTime: -1 }
    try {
      connection.tell(Produce, input, maxVersion === undefined ? {} : { maxVersion })
    } catch (error) {
      outcome = outcomeOfLoss(error as Error, this.#cluster.backoff.initialMs)
      this.#refresh()
    }
    for (const { queue, batch } of parcels) queue.settle(batch, outcome, this.#clock.monotonic())
  }

  #request(parcels: Parcel[]): { input: RequestInput<typeof Produce>; maxVersion: number | undefined } {
    const topics = new Map<string, { index: number; records: Uint8Array }[]>()
    for (const { queue, batch } of parcels) {
      const row = { index: queue.partition, records: batch.encode(this.#options.compression) }
      const rows = topics.get(queue.topic)
      if (rows) rows.push(row)
      else topics.set(queue.topic, [row])
    }
    let maxVersion = this.#gate?.maxProduceVersion
    const topicData = Array.from(topics, ([name, partitionData]) => {
      const topicId = this.#topicId(name)
      if (topicId === noId) maxVersion = Math.min(maxVersion ?? 12, 12) // later versions name topics by id only
      return { name, topicId, partitionData }
    })
    const { acks, produceTimeoutMs } = this.#options
    const transactionalId = this.#gate?.transactionalId ?? null
    return { input: { transactionalId, acks, timeoutMs: produceTimeoutMs, topicData }, maxVersion }
  }

  #topicId(topic: string): string {
    return this.#cluster.topic(topic)?.topicId ?? noId
  }

  #answered(node: NodeLane, parcels: Parcel[], outcomeFor: (queue: PartitionQueue, pauseMs: number) => Outcome): void {
    node.inFlight--
    const now = this.#clock.monotonic()
    let longestPause = 0
    for (const { queue, batch } of parcels) {
      const pauseMs = backoffMs(batch.attempts, this.#cluster.random, this.#cluster.backoff)
      const outcome = outcomeFor(queue, pauseMs)
      queue.settle(batch, outcome, now)
      if (outcome.kind === 'delivered') this.#reuse(batch)
      this.#lastFailure = outcome.kind === 'delivered' ? undefined : outcome.error
      if (recoveryFor(outcome) === 'refresh') this.#refresh()
      if (outcome.kind === 'retry') {
        longestPause = Math.max(longestPause, outcome.pauseMs)
        tellTrouble(queue, outcome.error)
      }
      if (queue.hasReady || queue.open) this.#list(queue)
    }
    if (longestPause > 0) this.#clock.timer(longestPause, () => this.#followLeaders(), { keepAlive: true })
    if (node.inFlight === 0) node.isDue = true
    this.#drain(node)
  }

  /** Until it succeeds, as long as something waits for it. */
  #refresh(): void {
    if (this.#isRefreshing || this.#isClosed) return
    this.#isRefreshing = true
    this.#cluster.refresh().then(
      () => {
        this.#isRefreshing = false
        if (this.#queues.some(queue => queue.leader < 0 && !queue.isEmpty)) this.#refresh()
      },
      (error: Error) => {
        this.#isRefreshing = false
        this.#lastFailure = error
        if (this.#queues.some(queue => !queue.isEmpty)) this.#refresh()
      },
    )
  }

  /** Queues whose leader has moved wait at its node from now on. */
  #followLeaders(): void {
    for (const queue of this.#queues) {
      const leader = this.#cluster.leaderOf(queue.topic, queue.partition)
      if (leader !== queue.leader) {
        this.#nodes.get(queue.leader)?.waiting.delete(queue)
        queue.leader = leader
      }
      if (!queue.hasReady && !queue.open) continue
      const node = this.#list(queue)
      if (node) this.#schedule(node)
    }
  }

  #expire(): void {
    const now = this.#clock.monotonic()
    let next = Number.POSITIVE_INFINITY
    for (const queue of this.#queues) {
      queue.expire(now, batch => deliveryTimedOut(queue, batch, this.#options.deliveryTimeoutMs, this.#lastFailure))
      for (const batch of queue.batches()) if (!batch.isSettled && batch.deadline < next) next = batch.deadline
    }
    const isOver = next === Number.POSITIVE_INFINITY || this.#isClosed
    this.#expiry = isOver ? undefined : this.#clock.timer(next - now, () => this.#expire(), { keepAlive: true })
  }
}

function tellTrouble({ topic, partition }: PartitionQueue, error: Error): void {
  if (producerTroubleChannel.hasSubscribers) producerTroubleChannel.publish({ topic, partition, error })
}
