/**
 * A queue: members of one share group on one partition, each on a connection of its own. A member acquires records, and acknowledges each of
 * them by itself with its next fetch, as clients do; a record counts when the broker has answered that its acknowledgement is durable.
 */
import {
  CreateTopics,
  encodeBatch,
  IncrementalAlterConfigs,
  Produce,
  ShareFetch,
  ShareGroupHeartbeat,
} from '@odradek/protocol'
import { realWire } from '@odradek/world'
import { RawClient } from '../packages/broker/src/testing/raw-client.ts'
import { freshName } from './clients/client.ts'
import { median } from './interleave.ts'
import type { Family, Row, RunningBroker } from './row.ts'

const members = 10
const recordBytes = 100
const batchRecords = 200
const rounds = 3
const recordCounts = { odradek: 400_000, apache: 40_000 }

export const shareGroupFamily: Family = async place => {
  place.say('share group')
  const ours = await measured(await place.odradek(), recordCounts.odradek)
  const apache = await place.apache()
  const rivals = apache ? { [apache.name]: await measured(apache, recordCounts.apache) } : {}
  const row: Row = { name: `share group, ${members} members, one partition`, unit: 'records/s', ours, rivals }
  return [row]
}

async function measured(broker: RunningBroker, count: number): Promise<number> {
  const rates: number[] = []
  for (let round = 0; round < rounds; round++) rates.push(await once(broker, count))
  return median(rates)
}

async function once({ bootstrap }: RunningBroker, count: number): Promise<number> {
  const [host, port] = bootstrap.split(',')[0]!.split(':')
  const connect = () => RawClient.connect(realWire, { host: host!, port: Number(port) })
  const topic = freshName('share')
  const groupId = freshName('group')
  const client = await connect()
  await prepare(client, topic, groupId)
  await fill(client, topic, count)
  const queue = { groupId, topic, count, done: 0 }
  const sharers = await Promise.all(
    Array.from({ length: members }, async (_, i) => new Sharer(await connect(), i, queue)),
  )
  for (const sharer of sharers) await sharer.join()
  const began = performance.now()
  await Promise.all(sharers.map(sharer => sharer.work()))
  const seconds = (performance.now() - began) / 1000
  for (const sharer of sharers) sharer.client.close()
  client.close()
  return count / seconds
}

async function prepare(client: RawClient, topic: string, groupId: string): Promise<void> {
  const spec = { name: topic, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
  await client.call(CreateTopics, 7, { topics: [spec], timeoutMs: 10_000 })
  const configs = [{ name: 'share.auto.offset.reset', configOperation: 0, value: 'earliest' }]
  const resources = [{ resourceType: 32, resourceName: groupId, configs }]
  await client.call(IncrementalAlterConfigs, 1, { resources, validateOnly: false })
}

async function fill(client: RawClient, name: string, count: number): Promise<void> {
  const value = new Uint8Array(recordBytes).fill(120)
  for (let sent = 0; sent < count; sent += batchRecords) {
    const records = encodeBatch(Array.from({ length: batchRecords }, () => ({ value, timestamp: Date.now() })))
    const topicData = [{ name, partitionData: [{ index: 0, records }] }]
    await client.call(Produce, 9, { acks: 1, timeoutMs: 10_000, topicData })
  }
}

interface Queue {
  readonly groupId: string
  readonly topic: string
  readonly count: number
  done: number
}

class Sharer {
  readonly client: RawClient
  readonly #memberId: string
  readonly #queue: Queue
  #memberEpoch = 0
  #epoch = 0
  #topicId = ''

  constructor(client: RawClient, index: number, queue: Queue) {
    this.client = client
    this.#memberId = `member-${index}`
    this.#queue = queue
  }

  /** Apache Kafka assigns partitions some heartbeats later. */
  async join(): Promise<void> {
    const { groupId, topic } = this.#queue
    const asked = { groupId, memberId: this.#memberId, subscribedTopicNames: [topic] }
    for (const until = performance.now() + 30_000; performance.now() < until; ) {
      const answer = await this.client.call(ShareGroupHeartbeat, 1, { ...asked, memberEpoch: this.#memberEpoch })
      if (answer.errorCode === 0) this.#memberEpoch = answer.memberEpoch
      this.#topicId = answer.assignment?.topicPartitions[0]?.topicId ?? ''
      if (this.#topicId !== '') return
      await new Promise(done => setTimeout(done, 100))
    }
    throw new Error(`${this.#memberId} was assigned nothing`)
  }

  async work(): Promise<void> {
    const queue = this.#queue
    let acks: { firstOffset: number; lastOffset: number; acknowledgeTypes: number[] }[] = []
    while (queue.done < queue.count) {
      const answer = await this.client.call(ShareFetch, 2, {
        groupId: queue.groupId,
        memberId: this.#memberId,
        shareSessionEpoch: this.#epoch++,
        maxWaitMs: 50,
        minBytes: 1,
        maxRecords: 500,
        batchSize: 500,
        topics: [{ topicId: this.#topicId, partitions: [{ partitionIndex: 0, acknowledgementBatches: acks }] }],
        forgottenTopicsData: [],
      })
      const partition = answer.responses[0]?.partitions[0]
      const error = answer.errorCode || partition?.errorCode || partition?.acknowledgeErrorCode
      if (error) throw new Error(`${this.#memberId} is answered error ${error}: ${answer.errorMessage}`)
      queue.done += acks.length
      acks = []
      for (const { firstOffset, lastOffset } of partition?.acquiredRecords ?? [])
        for (let offset = firstOffset; offset <= lastOffset; offset++)
          acks.push({ firstOffset: offset, lastOffset: offset, acknowledgeTypes: [1] })
    }
  }
}
