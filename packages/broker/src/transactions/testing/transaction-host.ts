/**
 * A broker without connections on a simulated machine that can lose its power at any write: the engine, the coordinators, and the
 * handlers, called as a connection would. Time moves only while `finish` waits. What the cluster knows of itself outlives crashes.
 */
import { EmbeddedEngine, type LogEngine } from '@odradek/log'
import {
  type Api,
  decodeRecords,
  ErrorCodes,
  eachBatch,
  encodeBatch,
  type Produce,
  type Request,
  type RequestInput,
  type Response,
  type ResponseInput,
} from '@odradek/protocol'
import { type SimulatedMachine, type SimulatedWorld, simulatedWorld } from '@odradek/world'
import type { ClusterStore } from '../../cluster-store/cluster-store.ts'
import { EmbeddedClusterStore } from '../../cluster-store/embedded-cluster-store.ts'
import { BrokerConfig } from '../../config/broker-config.ts'
import { embeddedGroups, type Groups, offsetsTopicName } from '../../groups/index.ts'
import type { BrokerServices, Handler, RequestContext } from '../../handler.ts'
import { addOffsetsToTxn } from '../../handlers/add-offsets-to-txn.ts'
import { addPartitionsToTxn } from '../../handlers/add-partitions-to-txn.ts'
import { endTxn } from '../../handlers/end-txn.ts'
import { initProducerId } from '../../handlers/init-producer-id.ts'
import { produce } from '../../handlers/produce.ts'
import { txnOffsetCommit } from '../../handlers/txn-offset-commit.ts'
import { quiet } from '../../logger.ts'
import { ProducerIds } from '../../producer-ids.ts'
import { Topics } from '../../topics.ts'
import { embeddedTransactions } from '../embedded-transactions.ts'
import type { Transactions } from '../transactions.ts'

export const topic = 'orders'
export const group = 'readers'

export interface Who {
  readonly id: string
  readonly producerId: bigint
  readonly epoch: number
}

/** 1: before transactions v2. */
export type ClientAge = 1 | 2

export interface HostOptions {
  readonly seed: number
  readonly partitions?: number
  /** Otherwise each log is synced by itself, and a crash finds them in any order. */
  readonly usesJournal?: boolean
}

export class TransactionHost {
  readonly world: SimulatedWorld
  readonly machine: SimulatedMachine
  readonly #partitions: number
  readonly #usesJournal: boolean
  readonly #config: BrokerConfig
  readonly #cluster: ClusterStore
  #starts = 0
  engine!: LogEngine
  groups!: Groups
  transactions!: Transactions
  #services!: BrokerServices
  /** What was found at the last start. */
  findings!: Awaited<ReturnType<Transactions['load']>>

  static async start(options: HostOptions): Promise<TransactionHost> {
    const host = new TransactionHost(options)
    await host.start()
    await host.finish(host.#services.topics.create({ name: topic, partitions: host.#partitions, config: {} }))
    return host
  }

  private constructor({ seed, partitions = 3, usesJournal = true }: HostOptions) {
    this.#partitions = partitions
    this.#usesJournal = usesJournal
    this.world = simulatedWorld({ seed })
    this.machine = this.world.machine('broker')
    this.#cluster = EmbeddedClusterStore.inMemory(() => 'x'.repeat(22))
    this.#config = new BrokerConfig({
      'offsets.topic.num.partitions': '2',
      'transaction.state.log.num.partitions': '2',
    })
  }

  get partitionIndexes(): number[] {
    return Array.from({ length: this.#partitions }, (_, index) => index)
  }

  async start(): Promise<void> {
    const { clock, disk, random } = this.machine.boot()
    const [logger, config, cluster] = [quiet, this.#config, this.#cluster]
    const leaderEpoch = this.#starts++
    const limits = this.#usesJournal ? {} : { journalBytes: 0 }
    this.engine = await this.finish(EmbeddedEngine.start({ clock, disk, folder: '/data', leaderEpoch, logger, limits }))
    const { engine } = this
    const topics = new Topics({ cluster, engine, config, clock, random, logger })
    await this.finish(topics.openAll())
    const parts = { clock, random, logger, config, engine, cluster, topics }
    this.groups = embeddedGroups(parts)
    await this.finish(this.groups.load())
    const { groups } = this
    const producerIds = new ProducerIds(cluster)
    this.transactions = embeddedTransactions({
      ...parts,
      freshProducerId: () => producerIds.next(),
      keepers: [{ topic: offsetsTopicName, endTransaction: (id, marker) => groups.endTransaction(id, marker) }],
    })
    this.findings = await this.finish(this.transactions.load())
    const one = { leaderOf: () => 1, coordinatorOf: () => 1, nodeIds: [1] }
    const { transactions } = this
    this.#services = { ...parts, ...one, groups, transactions, producerIds } as unknown as BrokerServices
  }

  finish<T>(promise: T | Promise<T>): Promise<T> {
    return this.world.clock.finish(Promise.resolve(promise))
  }

  /** As a connection calls it. */
  async call<A extends Api<any, any>>(handler: Handler<A>, apiVersion: number, request: object): Promise<Response<A>> {
    const context: Partial<RequestContext> = {
      ...{ apiVersion, clientId: 'test', clientHost: '/127.0.0.1', nodeId: 1, broker: this.#services },
      ...{ signal: new AbortController().signal, close: () => undefined, nodes: () => [] },
    }
    const answer: ResponseInput<A> | null = await handler.handle(request as Request<A>, context as RequestContext)
    return answer as Response<A>
  }

  async init(id: string): Promise<Who & { error: number }> {
    const request = { transactionalId: id, transactionTimeoutMs: 60_000, producerId: -1n, producerEpoch: -1 }
    const { errorCode: error, producerId, producerEpoch } = await this.call(initProducerId, 5, request)
    return { error, id, producerId: producerId ?? -1n, epoch: producerEpoch }
  }

  /** One record to each partition, in one request; the errors by partition. */
  async send(who: Who, age: ClientAge, records: readonly { partition: number; sequence: number; value: string }[]) {
    const { id, producerId, epoch: producerEpoch } = who
    if (age === 1) {
      const topics = [{ name: topic, partitions: records.map(({ partition }) => partition) }]
      const identity = { v3AndBelowProducerId: producerId, v3AndBelowProducerEpoch: producerEpoch }
      const request = { v3AndBelowTransactionalId: id, ...identity, v3AndBelowTopics: topics }
      const { resultsByTopicV3AndBelow: added } = await this.call(addPartitionsToTxn, 3, request)
      const failed = added![0]!.resultsByPartition.find(row => row.partitionErrorCode !== 0)
      if (failed) return records.map(() => failed.partitionErrorCode)
    }
    const partitionData = records.map(({ partition: index, sequence: baseSequence, value }) => {
      const fields = { producerId, producerEpoch, baseSequence, transactional: true, now: this.world.clock.now() }
      return { index, records: encodeBatch([{ value }], fields) }
    })
    const topicData = [{ name: topic, topicId: '00000000-0000-0000-0000-000000000000', partitionData }]
    const request: RequestInput<typeof Produce> = { transactionalId: id, acks: -1, timeoutMs: 30_000, topicData }
    const answer = await this.call(produce, age === 1 ? 9 : 12, request)
    return answer.responses[0]!.partitionResponses.map(row => row.errorCode)
  }

  async commitOffset({ id, producerId, epoch: producerEpoch }: Who, age: ClientAge, offset: number): Promise<number> {
    const identity = { transactionalId: id, producerId, producerEpoch, groupId: group }
    if (age === 1) {
      const { errorCode } = await this.call(addOffsetsToTxn, 3, identity)
      if (errorCode !== ErrorCodes.NONE) return errorCode
    }
    const partitions = [
      { partitionIndex: 0, committedOffset: offset, committedLeaderEpoch: -1, committedMetadata: null },
    ]
    const member = { generationId: -1, memberId: '', groupInstanceId: null }
    const request = { ...identity, ...member, topics: [{ name: topic, partitions }] }
    const answer = await this.call(txnOffsetCommit, age === 1 ? 3 : 5, request)
    return answer.topics[0]!.partitions[0]!.errorCode
  }

  async end(who: Who, age: ClientAge, committed: boolean): Promise<Who & { error: number }> {
    const { id, producerId, epoch: producerEpoch } = who
    const request = { transactionalId: id, producerId, producerEpoch, committed }
    const { errorCode: error, ...next } = await this.call(endTxn, age === 1 ? 3 : 5, request)
    return age === 1 || error !== 0
      ? { error, ...who }
      : { error, id, producerId: next.producerId!, epoch: next.producerEpoch! }
  }

  /** What readers of committed records see of each partition, and whether everything in it is decided. */
  async read(): Promise<{ values: string[][]; isDecided: boolean }> {
    const ids = this.#cluster.topic(topic)!.partitions.map(({ id }) => id)
    const values: string[][] = []
    for (const partition of ids) {
      const request = { partition, offset: 0, maxBytes: 10_000_000, isolation: 'stable' } as const
      const [result] = await this.finish(this.engine.read([request], { maxBytes: 10_000_000, minOne: true }))
      if (!result!.ok) throw new Error(`cannot read: ${result!.error}`)
      values.push(committedValues(result!.chunks, result!.aborted ?? []))
    }
    const states = await this.finish(this.engine.state(ids))
    const isDecided = states.every(state => state!.lastStableOffset === state!.highWatermark)
    return { values, isDecided }
  }

  committedOffset(): number {
    return this.groups.offsets(group).get(topic)?.get(0)?.offset ?? -1
  }
}

const text = new TextDecoder()

function committedValues(
  chunks: readonly Uint8Array[],
  abortedThere: readonly { producerId: bigint; firstOffset: number }[],
): string[] {
  const [aborted, isAborted, values] = [abortedThere.toReversed(), new Set<bigint>(), [] as string[]]
  for (const chunk of chunks) {
    for (const batch of eachBatch(chunk)) {
      while (aborted.length > 0 && aborted.at(-1)!.firstOffset <= batch.baseOffset)
        isAborted.add(aborted.pop()!.producerId)
      if (batch.isControl) isAborted.delete(batch.producerId)
      else if (!isAborted.has(batch.producerId))
        for (const { value } of decodeRecords(chunk, batch.at)) values.push(text.decode(value!))
    }
  }
  return values
}
