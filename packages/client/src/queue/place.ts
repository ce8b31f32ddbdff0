/** A partition of a queue: what the records from it share. */
import type { RecordSource } from '../consumer/consumer-record.ts'
import type { Topic } from '../topic.ts'

export class Place implements RecordSource {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly key: string
  readonly contract: Topic
  readonly hasAsyncSerde: boolean
  readonly signal: AbortSignal

  constructor(at: { topic: string; topicId: string; partition: number }, contract: Topic, signal: AbortSignal) {
    this.topic = at.topic
    this.topicId = at.topicId
    this.partition = at.partition
    this.key = placeKey(at.topicId, at.partition)
    this.contract = contract
    this.hasAsyncSerde = contract.key.async === true || contract.value.async === true
    this.signal = signal
  }
}

export function placeKey(topicId: string, partition: number): string {
  return `${topicId}/${partition}`
}
