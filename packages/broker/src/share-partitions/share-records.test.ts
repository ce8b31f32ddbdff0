import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  AlterShareGroupOffsets,
  DeleteRecords,
  DeleteShareGroupOffsets,
  DeleteTopics,
  DescribeShareGroupOffsets,
  ErrorCodes,
  ListGroups,
} from '@odradek/protocol'
import { produceTo, TestBroker } from '../testing/test-broker.ts'
import { end, init, send } from '../transactions/testing/transactional-client.ts'
import { partitionIn, ShareMember, setGroupConfig, valuesOf } from './testing/share-member.ts'

const [accept, release, renew] = [1, 2, 4]
const one = { maxRecords: 1, shareAcquireMode: 1 }

async function started(values: string[], settings: Record<string, string> = {}, config: Record<string, string> = {}) {
  const broker = await TestBroker.start({ config })
  const client = await broker.client()
  await broker.topic('orders')
  await setGroupConfig(client, 'g', { 'share.auto.offset.reset': 'earliest', ...settings })
  for (const value of values) await produceTo(client, 'orders', [{ value }])
  const member = async (id: string) => ShareMember.joined(await broker.client(), 'g', id, ['orders'])
  return { broker, client, member, [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose]() }
}

type World = Awaited<ReturnType<typeof started>>

async function offsets({ client }: World): Promise<[start: number, lag: number] | undefined> {
  const { groups } = await client.call(DescribeShareGroupOffsets, 1, { groups: [{ groupId: 'g', topics: null }] })
  const partition = groups[0]!.topics[0]?.partitions[0]
  return partition && [partition.startOffset, partition.lag]
}

/** The error of the request, or of the partition. */
async function begin({ client }: World, startOffset: number): Promise<number> {
  const topics = [{ topicName: 'orders', partitions: [{ partitionIndex: 0, startOffset }] }]
  const answer = await client.call(AlterShareGroupOffsets, 0, { groupId: 'g', topics })
  return answer.errorCode || answer.responses[0]!.partitions[0]!.errorCode
}

test('a lock that is over gives the record to others, and its holder has no say any more', async () => {
  await using world = await started(['a'], {}, { 'group.share.record.lock.duration.ms': '1000' })
  const ada = await world.member('ada')
  const bob = await world.member('bob')
  assert.deepEqual(await ada.take(), ['a×1'])
  assert.deepEqual(await bob.take({ maxWaitMs: 10_000 }), ['a×2'])
  assert.equal(await ada.acknowledge([[0, 0, accept]]), ErrorCodes.INVALID_RECORD_STATE)
  assert.equal(await bob.acknowledge([[0, 0, accept]]), 0)
})

test('a record is given out no more often than the limit says', async () => {
  await using world = await started(['a', 'b'], { 'share.delivery.count.limit': '3' })
  const ada = await world.member('ada')
  const seen: string[] = []
  for (let i = 0; i < 5; i++) {
    const [took] = await ada.take(one)
    seen.push(took ?? 'nothing')
    const offset = took?.startsWith('a') ? 0 : 1
    if (took) assert.equal(await ada.acknowledge([[offset, offset, offset === 0 ? release : accept]]), 0)
  }
  assert.deepEqual(seen, ['a×1', 'a×2', 'a×3', 'b×1', 'nothing'])
  assert.deepEqual(await offsets(world), [2, 0])
})

test('locks can be renewed, unless the group forbids it', async () => {
  await using world = await started(['a'])
  const ada = await world.member('ada')
  await ada.take()
  assert.equal(await ada.acknowledge([[0, 0, renew]]), ErrorCodes.INVALID_REQUEST)
  assert.equal(await ada.acknowledge([[0, 0, renew]], { isRenewAck: true }), 0)
  await setGroupConfig(world.client, 'g', { 'share.renew.acknowledge.enable': 'false' })
  assert.equal(await ada.acknowledge([[0, 0, renew]], { isRenewAck: true }), ErrorCodes.INVALID_RECORD_STATE)
  assert.equal(await ada.acknowledge([[0, 0, accept]]), 0)
})

test('no more is under way than there may be locks', async () => {
  await using world = await started([], { 'share.partition.max.record.locks': '100' })
  for (let i = 0; i < 3; i++) {
    const values = Array.from({ length: 50 }, (_, j) => ({ value: String(50 * i + j) }))
    await produceTo(world.client, 'orders', values)
  }
  const ada = await world.member('ada')
  const bob = await world.member('bob')
  assert.equal((await ada.take({ maxRecords: 500 })).length, 100)
  assert.deepEqual(await bob.take(), [])
  const waiting = bob.fetch({ maxWaitMs: 20_000 })
  await ada.acknowledge([[0, 0, accept]])
  assert.equal(valuesOf(partitionIn(await waiting))[0], '100×1')
})

test('what an aborted transaction wrote is nobody’s where only committed records are wanted', async () => {
  await using world = await started(['a'], { 'share.isolation.level': 'read_committed' })
  const ada = await world.member('ada')
  const producer = await init(world.client, 'tx')
  await send(world.client, producer, { topic: 'orders', sequence: 0, values: ['lost', 'lost too'] })
  assert.deepEqual(await ada.take(), ['a×1'])
  const next = await end(world.client, producer, false)
  await send(world.client, next, { topic: 'orders', sequence: 0, values: ['kept'] })
  await end(world.client, next, true)
  await produceTo(world.client, 'orders', [{ value: 'b' }])
  // Two lost, a marker, one kept, a marker, one outside of transactions; the markers may come a little later.
  const seen: string[] = []
  while (seen.length < 2) seen.push(...(await ada.take({ maxWaitMs: 1000 })))
  assert.deepEqual(seen, ['kept×1', 'b×1'])
  for (const offset of [0, 4, 6]) assert.equal(await ada.acknowledge([[offset, offset, accept]]), 0)
  assert.deepEqual(await offsets(world), [7, 0])
})

test('records that are deleted from the log are done for the group, too', async () => {
  await using world = await started(['a', 'b', 'c'])
  const ada = await world.member('ada')
  assert.deepEqual(await ada.take(one), ['a×1'])
  const topics = [{ name: 'orders', partitions: [{ partitionIndex: 0, offset: 2 }] }]
  await world.client.call(DeleteRecords, 2, { topics, timeoutMs: 5000 })
  assert.deepEqual(await ada.take(), ['c×1'])
  assert.equal(await ada.acknowledge([[0, 0, accept]]), 0, 'it is done, whatever one says')
  assert.equal(await ada.acknowledge([[2, 2, accept]]), 0)
  assert.deepEqual(await offsets(world), [3, 0])
})

test('a deleted topic ends what was under way in it, and one of its name begins anew', async () => {
  await using world = await started(['a', 'b'])
  const ada = await world.member('ada')
  await ada.take(one)
  await world.client.call(DeleteTopics, 5, { topicNames: ['orders'], timeoutMs: 5000 } as never)
  assert.equal(partitionIn(await ada.fetch())?.errorCode, ErrorCodes.UNKNOWN_TOPIC_ID)
  await world.broker.topic('orders')
  await produceTo(world.client, 'orders', [{ value: 'new' }])
  await ada.heartbeat()
  ada.epoch = 0
  assert.deepEqual(await ada.take(), ['new×1'])
})

test('the offsets of a group without members can be set and forgotten', async () => {
  await using world = await started(['a', 'b', 'c'])
  const ada = await world.member('ada')
  await ada.take()
  await ada.acknowledge([[0, 2, accept]])
  assert.equal(await begin(world, 1), ErrorCodes.NON_EMPTY_GROUP)
  await ada.leave()
  assert.equal(await begin(world, 1), 0)
  assert.deepEqual(await offsets(world), [1, 2])
  const bob = await world.member('bob')
  assert.deepEqual(await bob.take(), ['b×1', 'c×1'])
  await bob.leave()
  const forget = { groupId: 'g', topics: [{ topicName: 'orders' }] }
  const { responses } = await world.client.call(DeleteShareGroupOffsets, 0, forget)
  assert.equal(responses[0]!.errorCode, 0)
  assert.equal(await offsets(world), undefined)
})

test('a group is made by setting its offsets', async () => {
  await using world = await started(['a', 'b'])
  assert.equal(await begin(world, 1), 0)
  const { groups } = await world.client.call(ListGroups, 5, { statesFilter: [], typesFilter: ['share'] })
  assert.deepEqual(
    groups.map(({ groupId, groupState }) => [groupId, groupState]),
    [['g', 'Empty']],
  )
  const ada = await world.member('ada')
  assert.deepEqual(await ada.take(), ['b×1'])
})

test('there are no more sessions than there may be, and one that ends makes room', async () => {
  await using world = await started(['a'], {}, { 'group.share.max.share.sessions': '1' })
  const ada = await world.member('ada')
  const bob = await world.member('bob')
  assert.deepEqual(await ada.take(), ['a×1'])
  assert.equal((await bob.fetch()).errorCode, ErrorCodes.SHARE_SESSION_LIMIT_REACHED)
  await ada.fetch({ shareSessionEpoch: -1 })
  assert.deepEqual(await bob.take(), ['a×2'])
})

test('a group that is told to begin behind the end waits until the log gets there', async () => {
  await using world = await started(['a', 'b'])
  assert.equal(await begin(world, 4), 0)
  const ada = await world.member('ada')
  const early = partitionIn(await ada.fetch())
  assert.deepEqual([early?.errorCode, valuesOf(early)], [0, []])
  const waits = ada.take({ maxWaitMs: 60_000 })
  for (const value of ['c', 'd', 'e']) await produceTo(world.client, 'orders', [{ value }])
  assert.deepEqual(await waits, ['e×1'])
})

test('a group may begin at the last offset there can be, and waits; at none it begins where its setting says, as in Kafka', async () => {
  await using world = await started(['a', 'b'])
  const ada = await world.member('ada')
  for (const [startOffset, reset, values] of [
    [Number.MAX_SAFE_INTEGER, 'earliest', []],
    [-1, 'earliest', ['a×1', 'b×1']],
    [-5, 'latest', []],
  ] as const) {
    await setGroupConfig(world.client, 'g', { 'share.auto.offset.reset': reset })
    await ada.leave()
    assert.equal(await begin(world, startOffset), 0)
    assert.deepEqual(await offsets(world), startOffset < 0 ? [-1, -1] : [startOffset, 0])
    Object.assign(ada, { memberEpoch: 0, epoch: 0 })
    await ada.heartbeat({ subscribedTopicNames: ['orders'] })
    const taken = partitionIn(await ada.fetch())
    assert.deepEqual([taken?.errorCode, valuesOf(taken)], [0, values])
  }
  assert.deepEqual(await offsets(world), [2, 0])
})

test('a session is told once of topics that are not there, and of no more than so many partitions again', async () => {
  await using world = await started(['a'])
  const ada = await world.member('ada')
  const asked = (partitionIndex: number) => ({ partitionIndex, acknowledgementBatches: [] })
  const unknown = Array.from({ length: 3000 }, (_, i) => ({
    topicId: `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`,
    partitions: [asked(0)],
  }))
  assert.equal((await ada.fetch({ topics: unknown })).responses.length, 3000)
  assert.deepEqual((await ada.fetch({ topics: [] })).responses, [])
  const missing = { topicId: ada.topicId, partitions: Array.from({ length: 3000 }, (_, i) => asked(i + 1)) }
  const told = async (topics: (typeof missing)[]) => (await ada.fetch({ topics })).responses[0]?.partitions.length
  assert.equal(await told([missing]), 3000)
  assert.equal(await told([]), 1000)
  const { responses } = await ada.fetch()
  const here = responses[0]!.partitions.find(({ partitionIndex }) => partitionIndex === 0)
  assert.deepEqual(valuesOf(here), ['a×1'])
})
