/** The time for which a partition is with this consumer: what its records share, and how far they have been processed. */
import { UsageError } from '@odradek/protocol'
import type { Topic } from '../topic.ts'
import type { RecordSource } from './consumer-record.ts'
import { ProcessedOffsets } from './processed-offsets.ts'
import { partitionKey, type TopicPartition } from './topic-partition.ts'

export class PartitionStay implements RecordSource {
  readonly topic: string
  readonly partition: number
  readonly key: string
  readonly contract: Topic
  readonly hasAsyncSerde: boolean
  readonly processed = new ProcessedOffsets()
  readonly #abort = new AbortController()

  constructor({ topic, partition }: TopicPartition, contract: Topic) {
    this.topic = topic
    this.partition = partition
    this.key = partitionKey(topic, partition)
    this.contract = contract
    this.hasAsyncSerde = contract.key.async === true || contract.value.async === true
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  get isOver(): boolean {
    return this.#abort.signal.aborted
  }

  end(reason: string): void {
    if (!this.isOver) this.#abort.abort(new UsageError(`${this.key} ${reason}`))
  }
}
