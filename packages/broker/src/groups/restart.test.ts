/** A restart of the broker in the middle of groups of every kind, and of a transaction that commits offsets of them. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  ConsumerGroupHeartbeat,
  EndTxn,
  Heartbeat,
  InitProducerId,
  JoinGroup,
  OffsetFetch,
  ShareGroupHeartbeat,
  SyncGroup,
  TxnOffsetCommit,
} from '@odradek/protocol'
import { memoryWire, realClock, realDisk, realRandom } from '@odradek/world'
import type { RawClient } from '../testing/raw-client.ts'
import { TestBroker } from '../testing/test-broker.ts'

const topic = 'orders'
const memberId = 'AAAAAAAAAAAAAAAAAAAAAQ'
const joining = { memberId, subscribedTopicNames: [topic], rebalanceTimeoutMs: 30_000 }

/** The member's epoch once it has its partition. */
async function joinConsumer(client: RawClient, groupId: string): Promise<number> {
  for (let memberEpoch = 0, topicPartitions: { topicId: string; partitions: number[] }[] = []; ; ) {
    const request = { groupId, ...joining, memberEpoch, topicPartitions }
    const answer = await client.call(ConsumerGroupHeartbeat, 0, request)
    assert.equal(answer.errorCode, 0)
    memberEpoch = answer.memberEpoch
    if (topicPartitions.length > 0) return memberEpoch
    topicPartitions = answer.assignment?.topicPartitions ?? []
  }
}

async function joinShare(client: RawClient, groupId: string): Promise<number> {
  for (let memberEpoch = 0; ; ) {
    const answer = await client.call(ShareGroupHeartbeat, 1, { groupId, ...joining, memberEpoch })
    assert.equal(answer.errorCode, 0)
    memberEpoch = answer.memberEpoch
    if ((answer.assignment?.topicPartitions.length ?? 0) > 0) return memberEpoch
  }
}

async function joinClassic(client: RawClient, groupId: string): Promise<{ memberId: string; generationId: number }> {
  const protocols = [{ name: 'range', metadata: new Uint8Array(10) }]
  const timeouts = { sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 30_000 }
  const request = { groupId, ...timeouts, memberId: '', protocolType: 'consumer', protocols }
  const { memberId, generationId } = await client.call(JoinGroup, 3, request)
  const assignments = [{ memberId, assignment: Uint8Array.of(7) }]
  await client.call(SyncGroup, 3, { groupId, generationId, memberId, assignments })
  return { memberId, generationId }
}

async function committed(client: RawClient, groupId: string): Promise<number[]> {
  const topics = [{ name: topic, partitionIndexes: [0] }]
  const request = { requireStable: true, groups: [{ groupId, memberId: null, memberEpoch: -1, topics }] }
  const [group] = (await client.call(OffsetFetch, 9, request)).groups
  const { committedOffset, errorCode } = group!.topics[0]!.partitions[0]!
  return [committedOffset, errorCode]
}

const unstable = 88

test('groups of every kind, and offsets of open transactions, go on after a restart where they were', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-restart-'))
  const start = () => {
    const world = { clock: realClock, random: realRandom, disk: realDisk, wire: memoryWire() }
    return TestBroker.start({ world, data: { folder } })
  }
  try {
    const before = await start()
    await before.topic(topic)
    const first = await before.client()
    const classic = await joinClassic(first, 'classic')
    const consumerEpoch = await joinConsumer(first, 'consumer')
    const shareEpoch = await joinShare(first, 'share')
    const transaction = { transactionalId: 'tx', transactionTimeoutMs: 60_000 }
    const { producerId, producerEpoch } = await first.call(InitProducerId, 4, transaction)
    const producer = { transactionalId: 'tx', producerId, producerEpoch }
    const partitions = [{ partitionIndex: 0, committedOffset: 5, committedMetadata: null }]
    const claims = {
      classic,
      consumer: { memberId, generationId: consumerEpoch },
      simple: {},
    }
    for (const [groupId, claim] of Object.entries(claims)) {
      const request = { ...producer, groupId, ...claim, topics: [{ name: topic, partitions }] }
      const { topics } = await first.call(TxnOffsetCommit, 5, request)
      assert.equal(topics[0]!.partitions[0]!.errorCode, 0, groupId)
    }
    await before[Symbol.asyncDispose]()

    await using after = await start()
    const second = await after.client()
    assert.equal((await second.call(Heartbeat, 3, { groupId: 'classic', ...classic })).errorCode, 0)
    const synced = await second.call(SyncGroup, 3, { groupId: 'classic', ...classic, assignments: [] })
    assert.deepEqual([...synced.assignment], [7])
    const beat = { groupId: 'consumer', memberId, memberEpoch: consumerEpoch }
    const consumer = await second.call(ConsumerGroupHeartbeat, 0, beat)
    assert.deepEqual([consumer.errorCode, consumer.memberEpoch], [0, consumerEpoch])
    const share = await second.call(ShareGroupHeartbeat, 1, { groupId: 'share', memberId, memberEpoch: shareEpoch })
    assert.deepEqual([share.errorCode, share.memberEpoch], [0, shareEpoch])

    for (const groupId of Object.keys(claims))
      assert.deepEqual(await committed(second, groupId), [-1, unstable], groupId)
    assert.equal((await second.call(EndTxn, 5, { ...producer, committed: true })).errorCode, 0)
    for (const groupId of Object.keys(claims)) {
      while ((await committed(second, groupId))[1] === unstable);
      assert.deepEqual(await committed(second, groupId), [5, 0], groupId)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
