import { KafkaError } from '@odradek/protocol'
import { keyOf, type TopicPartition } from './topic-partition.ts'

/**
 * Records could not be committed, because their partition is not with this consumer any more. Trying again is of no use: they will be
 * delivered to its new owner, from the last committed offset on.
 */
export class PartitionRevokedError extends KafkaError {
  readonly partitions: readonly TopicPartition[]

  /** `reasons` say of each partition what became of it. */
  constructor(partitions: readonly TopicPartition[], reasons: readonly string[]) {
    const names = partitions.map(keyOf).join(', ')
    super(
      'PARTITION_REVOKED',
      `not committed: ${reasons.join(', ')}. The records of ${names} that are not committed will be delivered again, to the new owner of ` +
        'the partition; take back what was done for them here, or let it be done twice. Do not commit them again',
    )
    this.partitions = partitions
  }
}
