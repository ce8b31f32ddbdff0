/**
 * Many clients of one broker in this process, without the cleverness of a client: a connection each, frames encoded once.
 *
 *     topic scale-0 … scale-99, 100 partitions each  ◀─ 10 records each
 *     group idle-0 … idle-999                        ◀─ 100 offsets each, nobody in it
 *     group live-0 … live-999                        ◀─ one member each, heart-beating
 *     5,000 connections                              ◀─ a long poll each, of two partitions, asked again when it is answered
 */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateTopics,
  encodeBatch,
  Fetch,
  Heartbeat,
  JoinGroup,
  OffsetCommit,
  Produce,
  SyncGroup,
} from '@odradek/protocol'
import { realWire } from '@odradek/world'
import { RawClient } from '../../packages/broker/src/testing/raw-client.ts'

export const topicCount = 100
export const partitionsEach = 100
export const groupCount = 1_000
export const pollCount = 5_000
export const recordsEach = 10
/** A million commits, all but the last round superseded. */
const commitRounds = 10
export const pollMs = 30_000
const heartbeatMs = 3_000
/** Connections that are opened at a time. */
const lanes = 50

const topicName = (topic: number) => `scale-${topic % topicCount}`
const everyPartition = Array.from({ length: partitionsEach }, (_, partition) => partition)

export class Crowd {
  readonly #address: { host: string; port: number }
  readonly #clients: RawClient[] = []
  /** Polls that are not answered. */
  waitingPolls = 0
  #isOver = false

  constructor(bootstrap: string) {
    const [host, port] = bootstrap.split(':')
    this.#address = { host: host!, port: Number(port) }
  }

  /** Topics with records, and groups with offsets. */
  async fill(): Promise<void> {
    const client = await this.#connect()
    for (let topic = 0; topic < topicCount; topic++) {
      const name = topicName(topic)
      const spec = { name, numPartitions: partitionsEach, replicationFactor: -1, assignments: [], configs: [] }
      const { topics } = await client.call(CreateTopics, 7, { topics: [spec] })
      assert.equal(topics[0]!.errorCode, 0, topics[0]!.errorMessage ?? '')
    }
    await this.produce()
    for (let round = 0; round < commitRounds; round++) await commitAll(client, round)
  }

  /** Ten records to every partition. */
  async produce(): Promise<void> {
    const client = await this.#connect()
    const value = Buffer.alloc(100, 'x')
    const records = encodeBatch(Array.from({ length: recordsEach }, () => ({ value, timestamp: Date.now() })))
    const partitionData = everyPartition.map(index => ({ index, records }))
    for (let topic = 0; topic < topicCount; topic++) {
      const topicData = [{ name: topicName(topic), partitionData }]
      const { responses } = await client.call(Produce, 9, { acks: -1, timeoutMs: 60_000, topicData })
      for (const { errorCode } of responses[0]!.partitionResponses) assert.equal(errorCode, 0)
    }
  }

  /** At the end of the logs, which is the same for all. Resolves when all are connected. */
  async park(end: number): Promise<void> {
    await inLanes(pollCount, async i => {
      const client = await this.#connect()
      const partitions = [0, 1].map(k => ({
        partition: (2 * Math.floor(i / topicCount) + k) % partitionsEach,
        fetchOffset: end,
        partitionMaxBytes: 1024 * 1024,
      }))
      const poll = { maxWaitMs: pollMs, minBytes: 1, topics: [{ topic: topicName(i), partitions }] }
      void this.#pollForEver(client, poll)
    })
  }

  /** Resolves when each group has its member. */
  async join(): Promise<void> {
    await inLanes(groupCount, async i => {
      const client = await this.#connect()
      const groupId = `live-${i}`
      const times = { sessionTimeoutMs: 45_000, rebalanceTimeoutMs: 60_000 }
      const member = { groupId, memberId: '', protocolType: 'consumer' }
      const protocols = [{ name: 'range', metadata: Buffer.alloc(40) }]
      const joined = await client.call(JoinGroup, 3, { ...member, ...times, protocols })
      assert.equal(joined.errorCode, 0)
      const { memberId, generationId } = joined
      const assignments = [{ memberId, assignment: Buffer.alloc(40) }]
      const synced = await client.call(SyncGroup, 2, { groupId, generationId, memberId, assignments })
      assert.equal(synced.errorCode, 0)
      void this.#beat(client, { groupId, memberId, generationId })
    })
  }

  close(): void {
    this.#isOver = true
    for (const client of this.#clients) client.close()
  }

  async #connect(): Promise<RawClient> {
    const client = await RawClient.connect(realWire, this.#address)
    this.#clients.push(client)
    return client
  }

  async #pollForEver(client: RawClient, poll: Parameters<typeof client.call<typeof Fetch>>[2]): Promise<void> {
    while (!this.#isOver && !client.isClosed) {
      this.waitingPolls++
      await client.call(Fetch, 11, poll).catch(() => undefined)
      this.waitingPolls--
    }
  }

  async #beat(client: RawClient, member: { groupId: string; memberId: string; generationId: number }): Promise<void> {
    while (!this.#isOver && !client.isClosed) {
      await sleep(heartbeatMs)
      await client.call(Heartbeat, 2, member).catch(() => undefined)
    }
  }
}

/** A commit for every partition of a topic, by each group. */
async function commitAll(client: RawClient, round: number): Promise<void> {
  await inLanes(groupCount, async i => {
    const partitions = everyPartition.map(partitionIndex => ({
      partitionIndex,
      committedOffset: round,
      committedMetadata: '',
    }))
    const topics = [{ name: topicName(i), partitions }]
    const answer = await client.call(OffsetCommit, 8, { groupId: `idle-${i}`, memberId: '', topics })
    for (const { errorCode } of answer.topics[0]!.partitions) assert.equal(errorCode, 0)
  })
}

async function inLanes(count: number, work: (i: number) => Promise<void>): Promise<void> {
  let next = 0
  const lane = async () => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}
