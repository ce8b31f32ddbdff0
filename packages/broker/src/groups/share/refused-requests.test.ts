/** Requests of share groups that Apache Kafka 4.3.1 refuses at once. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AlterShareGroupOffsets, ErrorCodes, ListGroups, ShareGroupHeartbeat } from '@odradek/protocol'
import { TestBroker } from '../../testing/test-broker.ts'

test('a member of a name that no fetch takes, or that wants nothing, does not join', async () => {
  await using host = await TestBroker.start()
  await host.topic('orders', 1)
  const client = await host.client()
  const join = (memberId: string, subscribedTopicNames: string[] | null) =>
    client.call(ShareGroupHeartbeat, 1, { groupId: 'g', memberId, memberEpoch: 0, rackId: null, subscribedTopicNames })
  assert.equal((await join('m'.repeat(37), ['orders'])).errorCode, ErrorCodes.INVALID_REQUEST)
  assert.equal((await join('m', [])).errorCode, ErrorCodes.INVALID_REQUEST)
  assert.equal((await join('m', null)).errorCode, ErrorCodes.INVALID_REQUEST)
  assert.equal((await join('m'.repeat(36), ['orders'])).errorCode, ErrorCodes.NONE)
})

test('a group without a name is not made by its offsets', async () => {
  await using host = await TestBroker.start()
  await host.topic('orders', 1)
  const client = await host.client()
  const partitions = [{ partitionIndex: 0, startOffset: 0 }]
  const answer = await client.call(AlterShareGroupOffsets, 0, {
    groupId: '',
    topics: [{ topicName: 'orders', partitions }],
  })
  assert.equal(answer.errorCode, ErrorCodes.INVALID_GROUP_ID)
  const { groups } = await client.call(ListGroups, 5, { statesFilter: [], typesFilter: [] })
  assert.deepEqual(groups, [])
})
