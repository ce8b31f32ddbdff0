/** TxnOffsetCommit through connections, where the conversation with Kafka cannot go: races, several nodes, no verification. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AddOffsetsToTxn, EndTxn, ErrorCodes, InitProducerId, OffsetFetch, TxnOffsetCommit } from '@odradek/protocol'
import type { RawClient } from '../testing/raw-client.ts'
import { TestBroker } from '../testing/test-broker.ts'

const topic = 'orders'
const transactionalId = 'tx'

interface Producer {
  readonly transactionalId: string
  readonly producerId: bigint
  readonly producerEpoch: number
}

async function init(client: RawClient): Promise<Producer> {
  for (;;) {
    const answer = await client.call(InitProducerId, 4, { transactionalId, transactionTimeoutMs: 60_000 })
    if (answer.errorCode === 0) return { transactionalId, ...answer }
    assert.equal(answer.errorCode, ErrorCodes.CONCURRENT_TRANSACTIONS)
  }
}

const request = ({ producerId, producerEpoch }: Producer, committedOffset: number, groupId = 'g') => ({
  ...{ transactionalId, producerId, producerEpoch, groupId },
  topics: [{ name: topic, partitions: [{ partitionIndex: 0, committedOffset, committedMetadata: null }] }],
})

async function pend(client: RawClient, by: Producer, offset: number, version: number, groupId = 'g'): Promise<number> {
  const { topics } = await client.call(TxnOffsetCommit, version, request(by, offset, groupId))
  return topics[0]!.partitions[0]!.errorCode
}

async function end(client: RawClient, by: Producer, committed: boolean, version = 5): Promise<Producer> {
  const { producerId, producerEpoch } = by
  for (;;) {
    const answer = await client.call(EndTxn, version, { transactionalId, producerId, producerEpoch, committed })
    if (answer.errorCode === 0) return version < 5 ? by : { transactionalId, ...answer }
    assert.equal(answer.errorCode, ErrorCodes.CONCURRENT_TRANSACTIONS)
  }
}

async function committed(client: RawClient): Promise<number> {
  const topics = [{ name: topic, partitionIndexes: [0] }]
  for (;;) {
    const answer = await client.call(OffsetFetch, 7, { groupId: 'g', requireStable: true, topics })
    const { committedOffset, errorCode } = answer.topics[0]!.partitions[0]!
    if (errorCode === 0) return committedOffset
    assert.equal(errorCode, ErrorCodes.UNSTABLE_OFFSET_COMMIT)
  }
}

/** So that one request gets ahead of another, more or less. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(setImmediate)
}

test('a commit that races with the end of its transaction counts with it or is refused; nothing is left pending', async () => {
  await using host = await TestBroker.start()
  await host.topic(topic)
  const [one, other] = [await host.client(), await host.client()]
  let producer = await init(one)
  for (let round = 0; round < 40; round++) {
    const offset = 2 * round
    const before = await committed(one)
    assert.equal(await pend(one, producer, offset, 5), ErrorCodes.NONE)
    const by = producer
    const ending = round % 2 === 0 ? end(one, by, round % 3 !== 0) : null
    await turns(round % 8)
    const [late, next] = await Promise.all([pend(other, by, offset + 1, 5), ending ?? end(one, by, round % 3 !== 0)])
    const expected = round % 3 === 0 ? [before] : late === 0 ? [offset + 1] : [offset]
    // Refused: fenced by the end, or there while it was under way.
    const codes: number[] = [ErrorCodes.NONE, ErrorCodes.INVALID_PRODUCER_EPOCH, ErrorCodes.CONCURRENT_TRANSACTIONS]
    assert(codes.includes(late), `error ${late}`)
    assert.deepEqual([await committed(one)], expected, `round ${round}, late commit answered ${late}`)
    producer = next
  }
})

test('so does that of an older client, whose epoch stays the same', async () => {
  await using host = await TestBroker.start()
  await host.topic(topic)
  const [one, other] = [await host.client(), await host.client()]
  const producer = await init(one)
  for (let round = 0; round < 40; round++) {
    let added: number
    do added = (await one.call(AddOffsetsToTxn, 3, { ...producer, groupId: 'g' })).errorCode
    while (added === ErrorCodes.CONCURRENT_TRANSACTIONS)
    assert.equal(added, ErrorCodes.NONE)
    assert.equal(await pend(one, producer, 2 * round, 3), ErrorCodes.NONE)
    const ending = round % 2 === 0 ? end(one, producer, true, 3) : null
    await turns(round % 8)
    const [late] = await Promise.all([pend(other, producer, 2 * round + 1, 3), ending ?? end(one, producer, true, 3)])
    assert([ErrorCodes.NONE, ErrorCodes.INVALID_TXN_STATE, ErrorCodes.COORDINATOR_NOT_AVAILABLE].includes(late as 0))
    assert.equal(await committed(one), late === 0 ? 2 * round + 1 : 2 * round)
  }
})

test('a node that does not coordinate the group says so', async () => {
  await using host = await TestBroker.start({ nodes: 2 })
  await host.topic(topic)
  const clients = [await host.client(0), await host.client(1)]
  const by: Producer = { transactionalId, producerId: 1n, producerEpoch: 0 }
  const answers = await Promise.all(clients.map(client => pend(client, by, 1, 5)))
  assert.deepEqual(answers.toSorted(), [ErrorCodes.NOT_COORDINATOR, ErrorCodes.INVALID_PRODUCER_ID_MAPPING].toSorted())
})

test('where transactions are not verified, an older client commits as it says; who is nobody never does', async () => {
  await using host = await TestBroker.start({ config: { 'transaction.partition.verification.enable': 'false' } })
  await host.topic(topic)
  const client = await host.client()
  const producer = await init(client)
  assert.equal(await pend(client, producer, 1, 3), ErrorCodes.NONE)
  assert.equal(await pend(client, { ...producer, producerId: -1n }, 2, 3), ErrorCodes.INVALID_PRODUCER_ID_MAPPING)
  assert.equal(await pend(client, { ...producer, producerEpoch: -1 }, 2, 3), ErrorCodes.INVALID_PRODUCER_ID_MAPPING)
})
