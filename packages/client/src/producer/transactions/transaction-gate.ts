/** What a producer's sender must know of transactions: who it writes as, and which partitions it may write to by now. */
import type { ProducerIds } from '../identity.ts'
import type { PartitionQueue } from '../partition-queue.ts'

export interface TransactionGate extends ProducerIds {
  readonly transactionalId: string
  /** Newer versions of Produce add partitions to the transaction by themselves (KIP-890); older brokers want to be told before. */
  readonly maxProduceVersion: number | undefined
  /** Whether the partition is part of the transaction. If not, it is made so, and the sender is told afterwards. */
  admits(queue: PartitionQueue): boolean
}
