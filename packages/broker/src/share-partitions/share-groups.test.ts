import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCodes, ShareGroupDescribe } from '@odradek/protocol'
import { groupOperations, notAsked } from '../operations.ts'
import { produceTo, TestBroker } from '../testing/test-broker.ts'
import { partitionIn, ShareMember, setGroupConfig, valuesOf } from './testing/share-member.ts'

const [accept, release, reject] = [1, 2, 3]
const records = (...values: string[]) => values.map(value => ({ value }))

async function started(values: string[], settings: Record<string, string> = {}) {
  const broker = await TestBroker.start()
  const client = await broker.client()
  await broker.topic('orders')
  await setGroupConfig(client, 'g', { 'share.auto.offset.reset': 'earliest', ...settings })
  if (values.length > 0) await produceTo(client, 'orders', records(...values))
  const member = async (id: string) => ShareMember.joined(await broker.client(), 'g', id, ['orders'])
  return { broker, client, member, [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose]() }
}

test('two members share a partition: what one has acquired the other does not get', async () => {
  await using world = await started(['a', 'b', 'c', 'd'])
  const ada = await world.member('ada')
  const bob = await world.member('bob')
  assert.deepEqual(await ada.take({ maxRecords: 2, shareAcquireMode: 1 }), ['a×1', 'b×1'])
  assert.deepEqual(await bob.take(), ['c×1', 'd×1'])
  assert.deepEqual(await ada.take(), [])
})

test('what is released comes again with another delivery, what is accepted does not', async () => {
  await using world = await started(['a', 'b', 'c'])
  const ada = await world.member('ada')
  assert.deepEqual(await ada.take(), ['a×1', 'b×1', 'c×1'])
  assert.equal(await ada.acknowledge([[0, 2, accept, release, reject]]), 0)
  assert.deepEqual(await ada.take(), ['b×2'])
  assert.equal(await ada.acknowledge([[1, 1, accept]]), 0)
  assert.deepEqual(await ada.take(), [])
})

test('an acknowledgement of what one does not have changes nothing', async () => {
  await using world = await started(['a', 'b'])
  const ada = await world.member('ada')
  const bob = await world.member('bob')
  assert.deepEqual(await ada.take(), ['a×1', 'b×1'])
  assert.deepEqual(await bob.take(), [])
  assert.equal(await bob.acknowledge([[0, 1, accept]]), ErrorCodes.INVALID_RECORD_STATE)
  assert.equal(await ada.acknowledge([[0, 5, accept]]), ErrorCodes.INVALID_REQUEST)
  assert.equal(await ada.acknowledge([[0, 1, 9]]), ErrorCodes.INVALID_REQUEST)
  assert.equal(await ada.acknowledge([[0, 1, accept, accept, accept]]), ErrorCodes.INVALID_REQUEST)
  assert.equal(await ada.acknowledge([[0, 1, accept]]), 0)
})

test('a member that leaves leaves its records to the others at once', async () => {
  await using world = await started(['a', 'b'])
  const ada = await world.member('ada')
  const bob = await world.member('bob')
  assert.deepEqual(await ada.take(), ['a×1', 'b×1'])
  const waiting = bob.fetch({ maxWaitMs: 20_000 })
  await ada.leave()
  assert.deepEqual(valuesOf(partitionIn(await waiting)), ['a×2', 'b×2'])
})

test('so does one whose connection ends', async () => {
  await using world = await started(['a'])
  const ada = await world.member('ada')
  const bob = await world.member('bob')
  assert.deepEqual(await ada.take(), ['a×1'])
  const waiting = bob.fetch({ maxWaitMs: 20_000 })
  ada.client.close()
  assert.deepEqual(valuesOf(partitionIn(await waiting)), ['a×2'])
})

test('a fetch parks until a record comes', async () => {
  await using world = await started([])
  const ada = await world.member('ada')
  const waiting = ada.fetch({ maxWaitMs: 20_000 })
  await produceTo(world.client, 'orders', records('late'))
  assert.deepEqual(valuesOf(partitionIn(await waiting)), ['late×1'])
})

test('acknowledgements travel with the next fetch', async () => {
  await using world = await started(['a', 'b'])
  const ada = await world.member('ada')
  await ada.take()
  const answer = await ada.fetch({ acks: [[0, 1, accept]] })
  assert.equal(partitionIn(answer)?.acknowledgeErrorCode, 0)
  assert.equal(await ada.acknowledge([[0, 1, accept]]), 0, 'what lies before the start offset is done')
})

test('a session has an order, and a request out of it changes nothing', async () => {
  await using world = await started(['a'])
  const ada = await world.member('ada')
  const code = async (shareSessionEpoch: number) => (await ada.fetch({ shareSessionEpoch })).errorCode
  assert.equal(await code(1), ErrorCodes.SHARE_SESSION_NOT_FOUND)
  ada.epoch = 0
  assert.deepEqual(await ada.take(), ['a×1'])
  assert.equal(await code(5), ErrorCodes.INVALID_SHARE_SESSION_EPOCH)
  assert.equal(
    await ada.acknowledge([[0, 0, accept]], { shareSessionEpoch: 0 }),
    ErrorCodes.INVALID_SHARE_SESSION_EPOCH,
  )
  assert.equal(await ada.acknowledge([[0, 0, release]], { shareSessionEpoch: -1 }), 0)
  assert.equal(await code(2), ErrorCodes.SHARE_SESSION_NOT_FOUND)
})

test('a group is described with its members', async () => {
  await using world = await started(['a'])
  await world.member('ada')
  await world.member('bob')
  const { groups } = await world.client.call(ShareGroupDescribe, 1, {
    groupIds: ['g', 'h'],
    includeAuthorizedOperations: false,
  })
  assert.equal(groups[0]!.groupState, 'Stable')
  assert.deepEqual(
    groups[0]!.members.map(({ memberId, assignment }) => [memberId, assignment.topicPartitions[0]?.partitions]),
    [
      ['ada', [0]],
      ['bob', [0]],
    ],
  )
  assert.equal(groups[1]!.errorCode, ErrorCodes.GROUP_ID_NOT_FOUND)
})

test('a description tells authorized operations to those who ask, and refuses an empty id', async () => {
  await using world = await started(['a'])
  await world.member('ada')
  const request = { groupIds: ['g', ''], includeAuthorizedOperations: true }
  const { groups } = await world.client.call(ShareGroupDescribe, 1, request)
  assert.deepEqual(
    groups.map(({ errorCode, authorizedOperations }) => [errorCode, authorizedOperations]),
    [
      [ErrorCodes.NONE, groupOperations],
      [ErrorCodes.INVALID_GROUP_ID, notAsked],
    ],
  )
})
