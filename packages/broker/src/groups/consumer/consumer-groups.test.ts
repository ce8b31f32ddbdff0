/** Consumer groups of the new protocol through connections, as clients meet them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ConsumerGroupDescribe,
  ConsumerGroupHeartbeat,
  DeleteGroups,
  ErrorCodes,
  ListGroups,
  Metadata,
  OffsetCommit,
  OffsetFetch,
  type RequestInput,
  type Response,
} from '@odradek/protocol'
import type { RawClient } from '../../testing/raw-client.ts'
import { TestBroker } from '../../testing/test-broker.ts'

type Beat = Partial<RequestInput<typeof ConsumerGroupHeartbeat>>

const joining: Beat = { memberEpoch: 0, rebalanceTimeoutMs: 60_000, topicPartitions: [], subscribedTopicNames: ['t'] }

function beat(client: RawClient, memberId: string, more: Beat = {}): Promise<Response<typeof ConsumerGroupHeartbeat>> {
  return client.call(ConsumerGroupHeartbeat, 1, { groupId: 'g', memberId, memberEpoch: 0, ...more })
}

async function topicId(client: RawClient, name = 't'): Promise<string> {
  const { topics } = await client.call(Metadata, 12, {
    topics: [{ topicId: '00000000-0000-0000-0000-000000000000', name }],
  })
  return topics[0]!.topicId
}

const partitionsOf = ({ assignment }: Response<typeof ConsumerGroupHeartbeat>) =>
  assignment?.topicPartitions.flatMap(({ partitions }) => partitions) ?? null

test('two members share the partitions: the second waits till the first has given up what it must', async () => {
  await using broker = await TestBroker.start()
  const client = await broker.client()
  await broker.topic('t', 4)
  const id = await topicId(client)
  const one = await beat(client, 'A', joining)
  assert.equal(one.errorCode, 0)
  assert.deepEqual(partitionsOf(one), [0, 1, 2, 3])
  const two = await beat(client, 'B', joining)
  assert.deepEqual(partitionsOf(two), [])
  assert.equal(two.memberEpoch, one.memberEpoch + 1)
  const told = await beat(client, 'A', { memberEpoch: 2 })
  assert.equal(told.memberEpoch, 2)
  assert.equal(partitionsOf(told)?.length, 2)
  assert.equal(partitionsOf(await beat(client, 'B', { memberEpoch: 3 })), null)
  const kept = partitionsOf(told)!
  const released = await beat(client, 'A', { memberEpoch: 2, topicPartitions: [{ topicId: id, partitions: kept }] })
  assert.equal(released.memberEpoch, 3)
  const got = partitionsOf(await beat(client, 'B', { memberEpoch: 3 }))!
  assert.deepEqual([...kept, ...got].sort(), [0, 1, 2, 3])
})

test('a group is listed, described, committed to by its epoch, and deleted when it is empty', async () => {
  await using broker = await TestBroker.start()
  const client = await broker.client()
  await broker.topic('t', 2)
  await beat(client, 'A', { ...joining, serverAssignor: 'range', rackId: 'r' })
  const { groups: listed } = await client.call(ListGroups, 5, { statesFilter: [], typesFilter: ['consumer'] })
  assert.deepEqual(
    listed.map(({ groupId, protocolType, groupState, groupType }) => [groupId, protocolType, groupState, groupType]),
    [['g', 'consumer', 'Stable', 'consumer']],
  )
  const { groups } = await client.call(ConsumerGroupDescribe, 1, {
    groupIds: ['g', 'none'],
    includeAuthorizedOperations: true,
  })
  const [described, none] = groups
  assert.equal(none!.errorCode, ErrorCodes.GROUP_ID_NOT_FOUND)
  assert.equal(described!.assignorName, 'range')
  assert.equal(described!.groupState, 'Stable')
  const [member] = described!.members
  assert.deepEqual([member!.memberId, member!.memberEpoch, member!.rackId, member!.memberType], ['A', 2, 'r', 1])
  assert.deepEqual(member!.assignment.topicPartitions[0]!.partitions, [0, 1])
  assert.deepEqual(member!.targetAssignment, member!.assignment)

  const commit = async (memberId: string, generationIdOrMemberEpoch: number, version = 9) => {
    const partitions = [{ partitionIndex: 0, committedOffset: 5, committedMetadata: null }]
    const request = { groupId: 'g', memberId, generationIdOrMemberEpoch, topics: [{ name: 't', partitions }] }
    return (await client.call(OffsetCommit, version, request)).topics[0]!.partitions[0]!.errorCode
  }
  assert.equal(await commit('A', 2), 0)
  assert.equal(await commit('A', 1), ErrorCodes.STALE_MEMBER_EPOCH)
  assert.equal(await commit('X', 2), ErrorCodes.UNKNOWN_MEMBER_ID)
  assert.equal(await commit('A', 2, 8), ErrorCodes.UNSUPPORTED_VERSION)
  assert.equal(await commit('', -1), ErrorCodes.UNKNOWN_MEMBER_ID)
  const fetch = async (memberId: string | null, memberEpoch: number) =>
    (await client.call(OffsetFetch, 9, { groups: [{ groupId: 'g', memberId, memberEpoch, topics: null }] })).groups[0]!
  assert.equal((await fetch('A', 2)).topics[0]!.partitions[0]!.committedOffset, 5)
  assert.equal((await fetch('A', 7)).errorCode, ErrorCodes.STALE_MEMBER_EPOCH)
  assert.equal((await fetch(null, -1)).errorCode, 0)

  const remove = async () => (await client.call(DeleteGroups, 2, { groupsNames: ['g'] })).results[0]!.errorCode
  assert.equal(await remove(), ErrorCodes.NON_EMPTY_GROUP)
  const left = await beat(client, 'A', { memberEpoch: -1 })
  assert.deepEqual([left.errorCode, left.memberId, left.memberEpoch], [0, 'A', -1])
  assert.equal(await commit('', -1), 0)
  assert.equal(await remove(), 0)
  assert.equal(await remove(), ErrorCodes.GROUP_ID_NOT_FOUND)
  assert.equal((await beat(client, 'A', { memberEpoch: 1 })).errorCode, ErrorCodes.GROUP_ID_NOT_FOUND)
})
