/** The cluster as a whole: its brokers, their disks, and the producers that partitions remember. */
import { DescribeCluster, DescribeLogDirs, DescribeProducers, ErrorCodes, ProtocolError } from '@odradek/protocol'
import type { Cluster } from '../cluster/cluster.ts'
import type { BrokerNode } from '../cluster/metadata.ts'
import { askLeaders, type PartitionItem } from './by-leader.ts'
import { type AdminCallOptions, matchRows } from './settle-each.ts'

export interface ClusterDescription {
  readonly clusterId: string | null
  readonly controllerId: number
  readonly brokers: readonly BrokerNode[]
}

export interface LogDir {
  readonly nodeId: number
  readonly path: string
  /** -1 when the broker did not say. */
  readonly totalBytes: number
  readonly usableBytes: number
  readonly partitions: readonly { topic: string; partition: number; bytes: number }[]
}

export interface ActiveProducer {
  readonly producerId: bigint
  readonly epoch: number
  readonly lastSequence: number
  readonly lastTimestamp: number
  /** Of the coordinator that wrote its last marker; -1 when there is none. */
  readonly coordinatorEpoch: number
  /** Where its open transaction begins; -1 when there is none. */
  readonly transactionStartOffset: number
}

export class ClusterAdmin {
  readonly #cluster: Cluster

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  async describe({ signal }: AdminCallOptions = {}): Promise<ClusterDescription> {
    return this.#cluster.retrying({ signal }, async () => {
      const connection = await this.#cluster.connection('any', 'main', signal)
      if (!connection.speaks(DescribeCluster)) return this.#fromMetadata(signal)
      const response = await connection.call(DescribeCluster, { includeClusterAuthorizedOperations: false }, { signal })
      const { errorCode, errorMessage, clusterId, controllerId } = response
      if (errorCode !== ErrorCodes.NONE)
        throw new ProtocolError(errorCode, { api: DescribeCluster.name, message: errorMessage })
      const brokers = response.brokers.map(({ brokerId, host, port, rack }) => ({ nodeId: brokerId, host, port, rack }))
      return { clusterId, controllerId, brokers: brokers.sort((a, b) => a.nodeId - b.nodeId) }
    })
  }

  /** Of every broker, or of those given. */
  async logDirs({ nodes, signal }: AdminCallOptions & { readonly nodes?: readonly number[] } = {}): Promise<LogDir[]> {
    const ids = nodes ?? (await this.describe({ signal })).brokers.map(({ nodeId }) => nodeId)
    const answers = ids.map(nodeId =>
      this.#cluster.retrying({ signal }, async () => {
        const { errorCode, results } = await this.#cluster.call(nodeId, DescribeLogDirs, { topics: null }, { signal })
        const failed = errorCode || results.find(row => row.errorCode !== 0)?.errorCode
        if (failed) throw new ProtocolError(failed, { api: DescribeLogDirs.name })
        return results.map(({ logDir, totalBytes, usableBytes, topics }) => ({
          nodeId,
          path: logDir,
          totalBytes,
          usableBytes,
          partitions: topics.flatMap(({ name, partitions }) =>
            partitions.map(p => ({ topic: name, partition: p.partitionIndex, bytes: p.partitionSize })),
          ),
        }))
      }),
    )
    return (await Promise.all(answers)).flat()
  }

  /** The idempotent and transactional producers each partition remembers. */
  producers(
    partitions: readonly PartitionItem[],
    { signal }: AdminCallOptions = {},
  ): Promise<{ topic: string; partition: number; producers: ActiveProducer[] }[]> {
    return askLeaders(this.#cluster, partitions, { signal }, async (nodeId, topics) => {
      const rows = topics.map(({ name, items }) => ({
        name,
        partitionIndexes: items.map(({ partition }) => partition),
      }))
      const response = await this.#cluster.call(nodeId, DescribeProducers, { topics: rows }, { signal })
      const rowOf = ({ topic, partition }: PartitionItem) =>
        response.topics.find(t => t.name === topic)?.partitions.find(p => p.partitionIndex === partition)
      const context = {
        api: DescribeProducers.name,
        topic: (i: PartitionItem) => i.topic,
        partition: (i: PartitionItem) => i.partition,
      }
      const asked = topics.flatMap(({ items }) => items)
      return matchRows(asked, rowOf, context, (row, { topic, partition }) => ({
        topic,
        partition,
        producers: row.activeProducers.map(p => ({
          producerId: p.producerId,
          epoch: p.producerEpoch,
          lastSequence: p.lastSequence,
          lastTimestamp: p.lastTimestamp,
          coordinatorEpoch: p.coordinatorEpoch,
          transactionStartOffset: p.currentTxnStartOffset,
        })),
      }))
    })
  }

  async #fromMetadata(signal: AbortSignal | undefined): Promise<ClusterDescription> {
    const { clusterId, controllerId, brokers } = await this.#cluster.describe([], { signal })
    return { clusterId, controllerId, brokers: [...brokers.values()].sort((a, b) => a.nodeId - b.nodeId) }
  }
}
