import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  DeleteGroups,
  DeleteTopics,
  DescribeGroups,
  ErrorCodes,
  FindCoordinator,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  ListGroups,
  OffsetCommit,
  OffsetDelete,
  OffsetFetch,
  SyncGroup,
} from '@odradek/protocol'
import type { RawClient } from '../testing/raw-client.ts'
import { TestBroker } from '../testing/test-broker.ts'

const joining = (groupId: string) => ({
  groupId,
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 60_000,
  memberId: '',
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: new Uint8Array(0) }],
})

const committing = (groupId: string) => ({
  groupId,
  generationIdOrMemberEpoch: -1,
  memberId: '',
  topics: [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }] }],
})

/** The errors of everything one can ask about a group. */
async function errorsOf(client: RawClient, groupId: string): Promise<number[]> {
  const claim = { groupId, memberId: 'm', generationId: 1 }
  const committed = await client.call(OffsetCommit, 8, committing(groupId))
  const fetched = await client.call(OffsetFetch, 8, { groups: [{ groupId, topics: null }] })
  const described = await client.call(DescribeGroups, 5, { groups: [groupId] })
  const deleted = await client.call(DeleteGroups, 2, { groupsNames: [groupId] })
  return [
    (await client.call(JoinGroup, 5, joining(groupId))).errorCode,
    (await client.call(SyncGroup, 4, { ...claim, assignments: [] })).errorCode,
    (await client.call(Heartbeat, 4, claim)).errorCode,
    (await client.call(LeaveGroup, 3, { groupId, members: [{ memberId: 'm' }] })).errorCode,
    committed.topics[0]!.partitions[0]!.errorCode,
    fetched.groups[0]!.errorCode,
    described.groups[0]!.errorCode,
    deleted.results[0]!.errorCode,
    (await client.call(OffsetDelete, 0, { groupId, topics: [] })).errorCode,
  ]
}

test('each group has its node: others send its members there, and do not list it', async () => {
  await using broker = await TestBroker.start({ nodes: 3 })
  await broker.topic('t')
  const clients = [await broker.client(0), await broker.client(1), await broker.client(2)] as const
  const keys = Array.from({ length: 12 }, (_, i) => `group ${i}`)
  const { coordinators } = await clients[0].call(FindCoordinator, 4, { keyType: 0, coordinatorKeys: keys })
  const nodes = [...new Set(coordinators.map(({ nodeId }) => nodeId))].sort()
  assert.equal(nodes.length, 3, 'groups are not spread over the nodes')
  for (const { key, nodeId } of coordinators) {
    const own = nodes.indexOf(nodeId)
    assert.equal((await clients[own]!.call(OffsetCommit, 8, committing(key))).topics[0]!.partitions[0]!.errorCode, 0)
    const errors = await errorsOf(clients[(own + 1) % 3]!, key)
    assert.deepEqual(new Set(errors), new Set([ErrorCodes.NOT_COORDINATOR]))
  }
  const listed = await Promise.all(
    clients.map(async client => (await client.call(ListGroups, 4, {})).groups.map(({ groupId }) => groupId)),
  )
  assert.deepEqual(listed.flat().sort(), keys.toSorted())
  assert(
    listed.every((groups, i) => groups.every(id => coordinators.find(({ key }) => key === id)!.nodeId === nodes[i])),
  )
})

test('a group id that no record can hold is refused', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t')
  const errors = await errorsOf(await broker.client(), 'ü'.repeat(20_000)).catch(() => [])
  // Where the id itself cannot be sent (before the flexible versions), the client cannot ask.
  assert(errors.every(error => error === ErrorCodes.INVALID_GROUP_ID))
  const client = await broker.client()
  assert.equal(
    (await client.call(Heartbeat, 4, { groupId: 'ü'.repeat(20_000), memberId: 'm', generationId: 1 })).errorCode,
    ErrorCodes.INVALID_GROUP_ID,
  )
})

test('a broker that stops does not wait for members that wait for each other', async () => {
  const broker = await TestBroker.start()
  const [first, second] = [await broker.client(), await broker.client()]
  const leader = await first.call(JoinGroup, 3, joining('g'))
  const claim = { groupId: 'g', memberId: leader.memberId, generationId: 1 }
  await first.call(SyncGroup, 3, { ...claim, assignments: [] })
  const waiting = second.call(JoinGroup, 3, joining('g'))
  // Every error but a rebalance says that the second one's request has not been seen yet.
  while ((await first.call(Heartbeat, 3, claim)).errorCode !== ErrorCodes.REBALANCE_IN_PROGRESS);
  const closed = broker[Symbol.asyncDispose]()
  const answer = await waiting.then(({ errorCode }) => errorCode).catch(() => 'connection closed')
  assert(answer === ErrorCodes.COORDINATOR_NOT_AVAILABLE || answer === 'connection closed', `${answer}`)
  await closed
})

test('offsets of a topic go when it is deleted, over the wire', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t')
  const client = await broker.client()
  await client.call(OffsetCommit, 8, committing('g'))
  await client.call(DeleteTopics, 3, { topicNames: ['t'], timeoutMs: 1000 })
  await broker.topic('t')
  const { topics } = await client.call(OffsetFetch, 7, { groupId: 'g', topics: [{ name: 't', partitionIndexes: [0] }] })
  assert.equal(topics[0]!.partitions[0]!.committedOffset, -1)
})
