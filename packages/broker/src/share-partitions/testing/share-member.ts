import {
  decodeRecords,
  eachBatch,
  IncrementalAlterConfigs,
  type RequestInput,
  type Response,
  ShareAcknowledge,
  ShareFetch,
  ShareGroupHeartbeat,
} from '@odradek/protocol'
import type { RawClient } from '../../testing/raw-client.ts'

type Fetched = Response<typeof ShareFetch>
type FetchedPartition = Fetched['responses'][number]['partitions'][number]
type Given = readonly (readonly [first: number, last: number, ...types: number[]])[]

/** A member of a share group on one connection, without any cleverness. */
export class ShareMember {
  readonly client: RawClient
  readonly groupId: string
  readonly memberId: string
  memberEpoch = 0
  epoch = 0
  /** The first topic that was assigned. */
  topicId = ''

  constructor(client: RawClient, groupId: string, memberId: string) {
    this.client = client
    this.groupId = groupId
    this.memberId = memberId
  }

  static async joined(client: RawClient, groupId: string, memberId: string, topics: string[]): Promise<ShareMember> {
    const member = new ShareMember(client, groupId, memberId)
    await member.heartbeat({ subscribedTopicNames: topics })
    return member
  }

  async heartbeat(
    more: Partial<RequestInput<typeof ShareGroupHeartbeat>> = {},
  ): Promise<Response<typeof ShareGroupHeartbeat>> {
    const { groupId, memberId, memberEpoch } = this
    const answer = await this.client.call(ShareGroupHeartbeat, 1, { groupId, memberId, memberEpoch, ...more })
    if (answer.errorCode === 0) this.memberEpoch = answer.memberEpoch
    this.topicId = answer.assignment?.topicPartitions[0]?.topicId ?? this.topicId
    return answer
  }

  leave(): Promise<Response<typeof ShareGroupHeartbeat>> {
    return this.heartbeat({ memberEpoch: -1 })
  }

  /** Of partition 0; acknowledges along the way. */
  async fetch(
    more: Partial<RequestInput<typeof ShareFetch>> & { acks?: Given; partitions?: number[] } = {},
  ): Promise<Fetched> {
    const { acks = [], partitions = [0], ...rest } = more
    const { groupId, memberId } = this
    const answer = await this.client.call(ShareFetch, 2, {
      groupId,
      memberId,
      shareSessionEpoch: this.epoch,
      maxWaitMs: 0,
      minBytes: 1,
      maxRecords: 100,
      batchSize: 100,
      topics: [{ topicId: this.topicId, partitions: partitions.map(index => partitionOf(index, acks)) }],
      forgottenTopicsData: [],
      ...rest,
    })
    if (answer.errorCode === 0) this.epoch++
    return answer
  }

  /** What was acquired of partition 0, as 'value×deliveries'. */
  async take(more: Parameters<ShareMember['fetch']>[0] = {}): Promise<string[]> {
    return valuesOf(partitionIn(await this.fetch(more)))
  }

  /** The error of partition 0, or of the request. */
  async acknowledge(acks: Given, more: Partial<RequestInput<typeof ShareAcknowledge>> = {}): Promise<number> {
    const { groupId, memberId, epoch: shareSessionEpoch } = this
    const topics = [{ topicId: this.topicId, partitions: [partitionOf(0, acks)] }]
    const answer = await this.client.call(ShareAcknowledge, 2, {
      groupId,
      memberId,
      shareSessionEpoch,
      topics,
      ...more,
    })
    if (answer.errorCode !== 0) return answer.errorCode
    this.epoch++
    return answer.responses[0]?.partitions[0]?.errorCode ?? 0
  }
}

const partitionOf = (partitionIndex: number, acks: Given) => ({
  partitionIndex,
  acknowledgementBatches: acks.map(([firstOffset, lastOffset, ...acknowledgeTypes]) => ({
    firstOffset,
    lastOffset,
    acknowledgeTypes,
  })),
})

export const partitionIn = (answer: Fetched): FetchedPartition | undefined => answer.responses[0]?.partitions[0]

export function valuesOf(partition: FetchedPartition | undefined): string[] {
  const values: string[] = []
  const bytes = partition?.records ?? new Uint8Array(0)
  for (const batch of eachBatch(bytes)) {
    if (batch.isControl) continue
    for (const record of decodeRecords(bytes, batch.at)) {
      const range = partition!.acquiredRecords.find(
        ({ firstOffset, lastOffset }) => firstOffset <= record.offset && record.offset <= lastOffset,
      )
      if (range) values.push(`${Buffer.from(record.value ?? []).toString()}×${range.deliveryCount}`)
    }
  }
  return values
}

export async function setGroupConfig(
  client: RawClient,
  groupId: string,
  settings: Record<string, string>,
): Promise<void> {
  const configs = Object.entries(settings).map(([name, value]) => ({ name, value, configOperation: 0 }))
  const resources = [{ resourceType: 32, resourceName: groupId, configs }]
  const { responses } = await client.call(IncrementalAlterConfigs, 1, { resources, validateOnly: false })
  if (responses[0]!.errorCode !== 0) throw new Error(responses[0]!.errorMessage ?? String(responses[0]!.errorCode))
}
