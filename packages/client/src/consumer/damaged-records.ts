import { CorruptionError } from '@odradek/protocol'
import { partitionKey } from './topic-partition.ts'

/**
 * Records of a partition cannot be read, however often: they are damaged. Nothing is skipped by itself; whoever wants to go on without
 * them seeks to `resumeAt`, and reads on with the same consumer.
 */
export class DamagedRecordsError extends CorruptionError {
  readonly topic: string
  readonly partition: number
  /** The first record that is lost. */
  readonly offset: number
  /** The first offset after it that can be read, as far as it could be found out. */
  readonly resumeAt: number

  constructor(
    at: { topic: string; partition: number; offset: number; resumeAt: number },
    why: string,
    cause?: unknown,
  ) {
    const { topic, partition, offset, resumeAt } = at
    super(
      `offset ${offset} of ${partitionKey(topic, partition)} cannot be read: ${why}. To go on without it, seek to ${resumeAt} and read on, ` +
        'and further should that be damaged too; until then every poll fetches it again',
      { cause },
    )
    this.topic = topic
    this.partition = partition
    this.offset = offset
    this.resumeAt = resumeAt
  }
}
