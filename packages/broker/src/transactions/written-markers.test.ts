/** Markers that somebody else asks for, through connections: an operator, or a coordinator that has been replaced. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DescribeProducers, errorByCode, WriteTxnMarkers } from '@odradek/protocol'
import type { RawClient } from '../testing/raw-client.ts'
import { TestBroker } from '../testing/test-broker.ts'
import { end, type Identity, init, read, send, settled } from './testing/transactional-client.ts'

const topic = 'orders'

interface AskedMarker {
  readonly coordinatorEpoch: number
  readonly partitions?: number[]
  readonly committed?: boolean
  /** From 2 on the epoch is above that of what it ends. */
  readonly transactionVersion?: number
}

async function mark(client: RawClient, { producerId, epoch: producerEpoch }: Identity, asked: AskedMarker) {
  const { coordinatorEpoch, partitions = [0], committed = false, transactionVersion = 0 } = asked
  const fields = { producerId, producerEpoch, transactionResult: committed, coordinatorEpoch, transactionVersion }
  const topics = [{ name: topic, partitionIndexes: partitions }]
  const { markers } = await client.call(WriteTxnMarkers, 2, { markers: [{ ...fields, topics }] })
  return markers[0]!.topics[0]!.partitions.map(row => errorByCode(row.errorCode).name)
}

async function described(client: RawClient) {
  const { topics } = await client.call(DescribeProducers, 0, { topics: [{ name: topic, partitionIndexes: [0] }] })
  const [{ coordinatorEpoch, currentTxnStartOffset, lastTimestamp } = assert.fail('there is none')] =
    topics[0]!.partitions[0]!.activeProducers
  return { coordinatorEpoch, currentTxnStartOffset, lastTimestamp }
}

test('an operator ends a transaction in one partition', async () => {
  await using host = await TestBroker.start()
  await host.topic(topic)
  const client = await host.client()
  const me = await init(client, 'tx')
  await send(client, me, { topic, sequence: 0, values: ['a'] })
  const asked = { coordinatorEpoch: 1, partitions: [0, 5] }
  assert.deepEqual(await mark(client, me, asked), ['NONE', 'UNKNOWN_TOPIC_OR_PARTITION'])
  assert.deepEqual((await settled(client, topic)).committed, [])
})

test('a marker of a coordinator that has been followed by another is refused, and changes nothing', async () => {
  await using host = await TestBroker.start()
  await host.topic(topic)
  const client = await host.client()
  const me = await init(client, 'tx')
  await send(client, me, { topic, sequence: 0, values: ['a'] })
  const open = await described(client)
  assert.deepEqual([open.coordinatorEpoch, open.currentTxnStartOffset], [-1, 0])
  assert.deepEqual(await mark(client, me, { coordinatorEpoch: 7 }), ['NONE'])
  assert((await described(client)).lastTimestamp > 0, 'of the marker')
  await send(client, me, { topic, sequence: 1, values: ['b'] })
  const before = await described(client)
  assert.deepEqual([before.coordinatorEpoch, before.currentTxnStartOffset], [7, 2])
  assert.deepEqual(await mark(client, me, { coordinatorEpoch: 6 }), ['TRANSACTION_COORDINATOR_FENCED'])
  assert.deepEqual(await described(client), before)
  assert.deepEqual(await read(client, topic), { committed: [], lastStableOffset: 2, highWatermark: 3 })
  assert.deepEqual(await mark(client, me, { coordinatorEpoch: 7 }), ['NONE'])
})

test('a marker of transactions v2 that comes again does not end the transaction that follows', async () => {
  await using host = await TestBroker.start()
  await host.topic(topic)
  const client = await host.client()
  const first = await init(client, 'tx')
  await send(client, first, { topic, sequence: 0, values: ['a'] })
  const second = await end(client, first, true)
  await settled(client, topic)
  const { coordinatorEpoch } = await described(client)
  const again = { coordinatorEpoch, committed: true, transactionVersion: 2 }
  assert.deepEqual(await mark(client, second, again), ['NONE'], 'nothing is open')
  await send(client, second, { topic, sequence: 0, values: ['b'] })
  assert.deepEqual(await mark(client, second, again), ['INVALID_PRODUCER_EPOCH'])
  assert.deepEqual((await read(client, topic)).committed, ['a'])
  assert.deepEqual(await mark(client, second, { ...again, transactionVersion: 1 }), ['NONE'], 'cannot be told apart')
  assert.deepEqual((await read(client, topic)).committed, ['a', 'b'])
})
