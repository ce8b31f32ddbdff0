/**
 * A client that knows exactly what was acknowledged: one record a batch, one batch a request, no retries, to the partitions of one topic
 * in turn. For faults whose answers are looked at one by one.
 */
import {
  CreateTopics,
  decodeRecords,
  ErrorCodes,
  eachBatch,
  encodeBatch,
  Fetch,
  OffsetCommit,
  OffsetFetch,
  Produce,
} from '@odradek/protocol'
import { type Address, realWire } from '@odradek/world'
import { RawClient } from '../../../packages/broker/src/testing/raw-client.ts'
import { fetchRequest, produceRequest } from '../../../packages/broker/src/testing/test-broker.ts'

export const partitions = 3
const topic = 'orders'
const groupId = 'shipping'

export interface Acknowledged {
  readonly partition: number
  readonly offset: number
  readonly value: string
}

export class CountedProduce implements Disposable {
  readonly acknowledged: Acknowledged[] = []
  committed = -1
  readonly #client: RawClient
  #next = 0

  static async connect(address: Address): Promise<CountedProduce> {
    return new CountedProduce(await RawClient.connect(realWire, address))
  }

  private constructor(client: RawClient) {
    this.#client = client
  }

  [Symbol.dispose](): void {
    this.#client.close()
  }

  /** The error code. */
  async createTopic(): Promise<number> {
    const row = { name: topic, numPartitions: partitions, replicationFactor: -1, assignments: [], configs: [] }
    const { topics } = await this.#client.call(CreateTopics, 7, { topics: [row], timeoutMs: 5_000 })
    return topics[0]!.errorCode
  }

  /** The error code. */
  async produce(partition: number, acks = -1): Promise<number> {
    const value = `record ${this.#next++} of ${partition}`
    const request = produceRequest(topic, encodeBatch([{ value: value.padEnd(500) }]), { partition, acks })
    const { responses } = await this.#client.call(Produce, 9, request)
    const { errorCode, baseOffset: offset } = responses[0]!.partitionResponses[0]!
    if (errorCode === ErrorCodes.NONE && acks === -1) this.acknowledged.push({ partition, offset, value })
    return errorCode
  }

  /** The error code; what is committed only rises. */
  async commit(): Promise<number> {
    const committedOffset = this.committed + 1
    const partition = { partitionIndex: 0, committedOffset, committedLeaderEpoch: -1, committedMetadata: null }
    const { topics } = await this.#client.call(OffsetCommit, 7, {
      groupId,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      groupInstanceId: null,
      topics: [{ name: topic, partitions: [partition] }],
    })
    const { errorCode } = topics[0]!.partitions[0]!
    if (errorCode === ErrorCodes.NONE) this.committed = committedOffset
    return errorCode
  }

  async committedOffset(): Promise<number> {
    const request = { groupId, topics: [{ name: topic, partitionIndexes: [0] }] }
    const { topics } = await this.#client.call(OffsetFetch, 5, request)
    return topics[0]!.partitions[0]!.committedOffset
  }

  /** All values of a partition by offset, or the error code that reading it gives. */
  async read(partition: number): Promise<Map<number, string> | number> {
    const values = new Map<number, string>()
    for (let offset = 0; ; ) {
      const { responses } = await this.#client.call(Fetch, 12, fetchRequest(topic, offset, { partition }))
      const { errorCode, records, highWatermark } = responses[0]!.partitions[0]!
      if (errorCode !== ErrorCodes.NONE) return errorCode
      if (!records?.length) return values
      for (const batch of eachBatch(records))
        for (const record of decodeRecords(records, batch.at)) {
          values.set(record.offset, Buffer.from(record.value!).toString().trimEnd())
          offset = record.offset + 1
        }
      if (offset >= highWatermark) return values
    }
  }

  /** How many of these are not where they were acknowledged. */
  async missing(acknowledged: readonly Acknowledged[]): Promise<number> {
    let missing = 0
    for (let partition = 0; partition < partitions; partition++) {
      const mine = acknowledged.filter(each => each.partition === partition)
      const found = mine.length === 0 ? new Map<number, string>() : await this.read(partition)
      missing += mine.filter(({ offset, value }) => typeof found === 'number' || found.get(offset) !== value).length
    }
    return missing
  }
}
