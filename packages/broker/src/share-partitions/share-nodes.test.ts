/** A share group whose partitions are led by several nodes: a member has a session with each. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCodes, encodeBatch, Metadata, Produce } from '@odradek/protocol'
import { produceRequest, TestBroker } from '../testing/test-broker.ts'
import { partitionIn, ShareMember, setGroupConfig, valuesOf } from './testing/share-member.ts'

const endOfSession = { shareSessionEpoch: -1, topics: [] }

/** One member's sessions: `first` with the node that leads partition 0, `second` with the one that leads partition 1. */
async function withTwoNodes(act: (sessions: { first: ShareMember; second: ShareMember }) => Promise<void>) {
  await using broker = await TestBroker.start({ nodes: 2 })
  await broker.topic('orders', 2)
  const clients = [await broker.client(0), await broker.client(1)]
  await setGroupConfig(clients[0]!, 'g', { 'share.auto.offset.reset': 'earliest' })
  const { topics } = await clients[0]!.call(Metadata, 12, { topics: null })
  const sessions: ShareMember[] = []
  for (const partition of [0, 1]) {
    const { leaderId } = topics[0]!.partitions.find(({ partitionIndex }) => partitionIndex === partition)!
    const client = clients[leaderId - 1]!
    const records = encodeBatch([{ value: `of ${partition}` }])
    await client.call(Produce, 10, produceRequest('orders', records, { partition }))
    sessions.push(new ShareMember(client, 'g', 'ada'))
  }
  // One of them is the group's coordinator.
  for (const { client } of sessions) await ShareMember.joined(client, 'g', 'ada', ['orders'])
  for (const session of sessions) session.topicId = topics[0]!.topicId
  await act({ first: sessions[0]!, second: sessions[1]! })
}

test('a session that ends leaves the member what it has acquired from another node', async () => {
  await withTwoNodes(async ({ first, second }) => {
    assert.deepEqual(valuesOf(partitionIn(await first.fetch({ partitions: [0] }))), ['of 0×1'])
    assert.deepEqual(valuesOf(partitionIn(await second.fetch({ partitions: [1] }))), ['of 1×1'])
    assert.equal(await second.acknowledge([], endOfSession), ErrorCodes.NONE)
    assert.deepEqual(valuesOf(partitionIn(await first.fetch({ partitions: [0] }))), [], 'it is still acquired')
    assert.equal(await first.acknowledge([[0, 0, 1]]), ErrorCodes.NONE)
    second.epoch = 0
    assert.deepEqual(valuesOf(partitionIn(await second.fetch({ partitions: [1] }))), ['of 1×2'])
  })
})
