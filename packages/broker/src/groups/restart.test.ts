/** A restart of the broker in the middle of groups of every kind, and of a transaction that commits offsets of them. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  ConsumerGroupHeartbeat,
  EndTxn,
  eachBatch,
  Heartbeat,
  InitProducerId,
  JoinGroup,
  OffsetCommit,
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
const concurrentTransactions = 51

function startIn(folder: string): Promise<TestBroker> {
  const world = { clock: realClock, random: realRandom, disk: realDisk, wire: memoryWire() }
  return TestBroker.start({ world, data: { folder }, config: { 'offsets.topic.num.partitions': '1' } })
}

/** Flips a byte in the batch that stands at `offset` of the only partition of `__consumer_offsets`. */
function harm(folder: string, offset: number): void {
  const place = join(folder, '__consumer_offsets-0')
  const path = join(place, readdirSync(place).find(name => name.endsWith('.log'))!)
  const bytes = readFileSync(path)
  const batch = [...eachBatch(bytes)].find(({ baseOffset }) => baseOffset === offset)!
  bytes[batch.end - 3]! ^= 1
  writeFileSync(path, bytes)
}

test('groups of every kind, and offsets of open transactions, go on after a restart where they were', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-restart-'))
  try {
    const before = await startIn(folder)
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

    await using after = await startIn(folder)
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

for (const [what, offset] of Object.entries({ 'its offsets': 1, 'its marker': 2 })) {
  test(`where a committed transaction has lost ${what} to the disk, its group goes on from the commit before, and can`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'odradek-restart-'))
    const pending = (committedOffset: number) => ({
      ...{ groupId: 'g', generationId: -1, memberId: '' },
      topics: [{ name: topic, partitions: [{ partitionIndex: 0, committedOffset, committedMetadata: null }] }],
    })
    const commit = async (client: RawClient, value: number) => {
      const transaction = { transactionalId: 'tx', transactionTimeoutMs: 60_000 }
      const init = () => client.call(InitProducerId, 4, transaction)
      let begun = await init()
      while (begun.errorCode === concurrentTransactions) begun = await init()
      const { producerId, producerEpoch } = begun
      const producer = { transactionalId: 'tx', producerId, producerEpoch }
      const { topics } = await client.call(TxnOffsetCommit, 5, { ...producer, ...pending(value) })
      assert.equal(topics[0]!.partitions[0]!.errorCode, 0)
      assert.equal((await client.call(EndTxn, 5, { ...producer, committed: true })).errorCode, 0)
      while ((await committed(client, 'g'))[1] === unstable);
    }
    try {
      const before = await startIn(folder)
      await before.topic(topic)
      const first = await before.client()
      await first.call(OffsetCommit, 8, { ...pending(1), generationIdOrMemberEpoch: -1 })
      await commit(first, 2)
      assert.deepEqual(await committed(first, 'g'), [2, 0])
      await before[Symbol.asyncDispose]()
      harm(folder, offset)

      await using after = await startIn(folder)
      assert.match(after.lines.join('\n'), /__consumer_offsets-0 is damaged/)
      const second = await after.client()
      assert.deepEqual(await committed(second, 'g'), [1, 0])
      await commit(second, 3)
      assert.deepEqual(await committed(second, 'g'), [3, 0])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
}
