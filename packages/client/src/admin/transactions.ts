/** Transactions: which there are, how far each has come, and ending those that nobody ends. */
import {
  DescribeTransactions,
  ErrorCodes,
  InitProducerId,
  ListTransactions,
  ProtocolError,
  WriteTxnMarkers,
} from '@odradek/protocol'
import type { Cluster } from '../cluster/cluster.ts'
import { askLeaders, type PartitionItem } from './by-leader.ts'
import type { ActiveProducer, ClusterAdmin } from './cluster-admin.ts'
import { askCoordinatorOf } from './group-coordinator.ts'
import { type AdminCallOptions, settleEach } from './settle-each.ts'

export interface TransactionListing {
  readonly transactionalId: string
  readonly producerId: bigint
  /** 'Empty', 'Ongoing', 'PrepareCommit', 'PrepareAbort', 'CompleteCommit' or 'CompleteAbort'. */
  readonly state: string
  /** The node that coordinates it. */
  readonly coordinator: number
}

export interface TransactionDescription extends TransactionListing {
  readonly epoch: number
  readonly timeoutMs: number
  /** Wall time; null when it never had a transaction. */
  readonly startedAt: number | null
  /** Of the open transaction. */
  readonly partitions: readonly PartitionItem[]
}

export interface TransactionFilter {
  readonly states?: readonly string[]
  readonly producerIds?: readonly bigint[]
  /** Only those that are longer under way. */
  readonly longerThanMs?: number
  /** A regular expression that the whole id must match. Brokers from Kafka 4.1 on know it; earlier ones list everything. */
  readonly pattern?: string
}

/** A transaction that is open in a partition, and that no coordinator is going to end: readers of committed records stand before it. */
export interface HangingTransaction extends PartitionItem {
  readonly producerId: bigint
  readonly epoch: number
  readonly coordinatorEpoch: number
  readonly startOffset: number
  /** Of its producer's last record there. */
  readonly lastTimestamp: number
}

export class TransactionsAdmin {
  readonly #cluster: Cluster
  readonly #producersOf: ClusterAdmin['producers']

  constructor(cluster: Cluster, admin: ClusterAdmin) {
    this.#cluster = cluster
    this.#producersOf = (partitions, options) => admin.producers(partitions, options)
  }

  /** Of all brokers, by id. */
  async list(filter: TransactionFilter & AdminCallOptions = {}): Promise<TransactionListing[]> {
    const { states = [], producerIds = [], longerThanMs = -1, pattern = null, signal } = filter
    await this.#cluster.retrying({ signal }, () => this.#cluster.describe([], { signal }))
    const request = {
      ...{ stateFilters: states, producerIdFilters: producerIds },
      ...{ durationFilter: longerThanMs, transactionalIdPattern: pattern },
    }
    const ask = async (item: number) => {
      try {
        const { errorCode, transactionStates } = await this.#cluster.call(item, ListTransactions, request, { signal })
        if (errorCode !== ErrorCodes.NONE) throw new ProtocolError(errorCode, { api: ListTransactions.name })
        const result = transactionStates.map(({ transactionState: state, ...row }) => ({
          ...{ ...row, state, coordinator: item },
        }))
        return { item, result }
      } catch (error) {
        return { item, error: error as Error }
      }
    }
    const nodes = [...this.#cluster.brokers.keys()]
    const rows = await settleEach(this.#cluster, nodes, { signal }, pending => Promise.all(pending.map(ask)))
    return rows.flat().sort((a, b) => (a.transactionalId < b.transactionalId ? -1 : 1))
  }

  async describe(transactionalId: string, { signal }: AdminCallOptions = {}): Promise<TransactionDescription> {
    const kind = { kind: 'transaction', key: transactionalId } as const
    const request = { transactionalIds: [transactionalId] }
    const codeOf = ({ transactionStates: [state] }: { transactionStates: { errorCode: number }[] }) => state!.errorCode
    const options = { signal }
    const response = await askCoordinatorOf(this.#cluster, kind, DescribeTransactions, request, codeOf, options)
    const state = response.transactionStates[0]!
    return {
      transactionalId,
      producerId: state.producerId,
      epoch: state.producerEpoch,
      state: state.transactionState,
      coordinator: await this.#cluster.coordinator('transaction', transactionalId, signal ? { signal } : {}),
      timeoutMs: state.transactionTimeoutMs,
      startedAt: state.transactionStartTimeMs < 0 ? null : state.transactionStartTimeMs,
      partitions: state.topics.flatMap(({ topic, partitions }) => partitions.map(partition => ({ topic, partition }))),
    }
  }

  /** Takes the id over, as a new producer would: the present one is fenced, and what it has open is aborted. */
  async fence(transactionalId: string, { signal }: AdminCallOptions = {}): Promise<void> {
    const kind = { kind: 'transaction', key: transactionalId } as const
    const request = { transactionalId, transactionTimeoutMs: 1000 }
    const codeOf = ({ errorCode }: { errorCode: number }) => errorCode
    await askCoordinatorOf(this.#cluster, kind, InitProducerId, request, codeOf, { signal })
  }

  /**
   * Transactions that are open in partitions, but unknown to their coordinators. Those whose producer wrote within `olderThanMs` (15
   * minutes, the longest a transaction may take by default) are left out: what is under way may look the same.
   */
  async findHanging({
    olderThanMs = 900_000,
    topics,
    now,
    signal,
  }: AdminCallOptions & {
    readonly olderThanMs?: number
    readonly topics?: readonly string[]
    readonly now: number
  }): Promise<HangingTransaction[]> {
    const places = await this.#places(topics, signal)
    const open: HangingTransaction[] = []
    for (const { topic, partition, producers } of await this.#producersOf(places, { signal }))
      for (const producer of producers)
        if (isOld(producer, now - olderThanMs)) open.push(suspect(producer, topic, partition))
    const known = await this.#ongoing(open, signal)
    return open.filter(({ producerId, topic, partition }) => !known.has(placeKey(producerId, topic, partition)))
  }

  /** Writes the marker that a hanging transaction is without. What it wrote in this partition is gone for readers of committed records. */
  async abortHanging(transaction: HangingTransaction, { signal }: AdminCallOptions = {}): Promise<void> {
    await askLeaders(this.#cluster, [transaction], { signal }, async (nodeId, [asked]) => {
      const [item] = asked!.items
      const { producerId, epoch: producerEpoch, topic: name, partition } = item!
      const marker = {
        ...{ producerId, producerEpoch, transactionResult: false },
        coordinatorEpoch: Math.max(item!.coordinatorEpoch, 0),
        topics: [{ name, partitionIndexes: [partition] }],
      }
      const { markers } = await this.#cluster.call(nodeId, WriteTxnMarkers, { markers: [marker] }, { signal })
      const { errorCode } = markers[0]!.topics[0]!.partitions[0]!
      if (errorCode === ErrorCodes.NONE) return [{ item: item!, result: undefined }]
      const where = { api: WriteTxnMarkers.name, topic: name, partition }
      return [{ item: item!, error: new ProtocolError(errorCode, where) }]
    })
  }

  async #places(topics: readonly string[] | undefined, signal: AbortSignal | undefined): Promise<PartitionItem[]> {
    const described = await this.#cluster.describe(topics ?? null, { signal })
    return [...described.topics.values()].flatMap(({ name: topic, partitions }) =>
      partitions.map(({ partition }) => ({ topic, partition })),
    )
  }

  /** Where transactions of these producers are known to be open. */
  async #ongoing(open: readonly HangingTransaction[], signal: AbortSignal | undefined): Promise<Set<string>> {
    const known = new Set<string>()
    const producerIds = [...new Set(open.map(({ producerId }) => producerId))]
    if (producerIds.length === 0) return known
    for (const { transactionalId } of await this.list({ producerIds, signal })) {
      const { producerId, partitions } = await this.describe(transactionalId, { signal })
      for (const { topic, partition } of partitions) known.add(placeKey(producerId, topic, partition))
    }
    return known
  }
}

const isOld = ({ transactionStartOffset, lastTimestamp }: ActiveProducer, before: number): boolean =>
  transactionStartOffset >= 0 && lastTimestamp <= before

const suspect = (producer: ActiveProducer, topic: string, partition: number): HangingTransaction => ({
  ...{ topic, partition, producerId: producer.producerId, epoch: producer.epoch },
  ...{ coordinatorEpoch: producer.coordinatorEpoch, startOffset: producer.transactionStartOffset },
  lastTimestamp: producer.lastTimestamp,
})

const placeKey = (producerId: bigint, topic: string, partition: number): string => `${producerId} ${topic}-${partition}`
