/** Transactions through connections. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  AddPartitionsToTxn,
  DescribeTransactions,
  encodeBatch,
  errorByCode,
  FindCoordinator,
  IncrementalAlterConfigs,
  ListTransactions,
  Produce,
} from '@odradek/protocol'
import { simulatedWorld } from '@odradek/world'
import { TestBroker } from '../testing/test-broker.ts'
import { add, end, init, read, send, settled, tryInit } from './testing/transactional-client.ts'

const topic = 'orders'

test('records of a transaction are seen when it is committed, in all partitions; those of an aborted one never', async () => {
  await using host = await TestBroker.start()
  await host.topic(topic, 3)
  const client = await host.client()
  let me = await init(client, 'tx')
  for (const partition of [0, 1, 2])
    assert.equal(await send(client, me, { topic, partition, sequence: 0, values: ['a'] }), 'NONE')
  assert.deepEqual(await read(client, topic), { committed: [], lastStableOffset: 0, highWatermark: 1 })
  const committed = await end(client, me, true)
  assert.deepEqual(committed, { error: 'NONE', id: 'tx', producerId: me.producerId, epoch: me.epoch + 1 })
  me = committed
  assert.equal(await send(client, me, { topic, sequence: 0, values: ['b'] }), 'NONE')
  assert.equal((await end(client, me, false)).error, 'NONE')
  for (const partition of [0, 1, 2]) assert.deepEqual((await settled(client, topic, partition)).committed, ['a'])
})

test('a client of before transactions v2 adds its partitions, and keeps its epoch', async () => {
  await using host = await TestBroker.start()
  await host.topic(topic, 2)
  const client = await host.client()
  const me = await init(client, 'tx')
  for (const [sequence, value] of ['a', 'b'].entries()) {
    assert.equal(await add(client, me, topic, [0, 1]), 'NONE')
    for (const partition of [0, 1])
      assert.equal(await send(client, me, { topic, partition, sequence, values: [value], version: 9 }), 'NONE')
    assert.equal((await end(client, me, true, 3)).error, 'NONE')
  }
  for (const partition of [0, 1]) assert.deepEqual((await settled(client, topic, partition)).committed, ['a', 'b'])
})

test('what has not joined the transaction is not written, and each client is told in the words it knows', async () => {
  await using host = await TestBroker.start()
  await host.topic(topic, 2)
  const client = await host.client()
  const me = await init(client, 'tx')
  const batch = { topic, sequence: 0, values: ['a'] }
  assert.equal(await send(client, me, { ...batch, version: 9 }), 'INVALID_TXN_STATE', 'nothing is open')
  assert.equal(await add(client, me, topic, [1]), 'NONE')
  assert.equal(await send(client, me, { ...batch, version: 10 }), 'INVALID_TXN_STATE')
  assert.equal(await send(client, me, { ...batch, version: 11 }), 'TRANSACTION_ABORTABLE')
  assert.equal((await read(client, topic)).highWatermark, 0)
})

test('where the epoch rises, the first batch of a transaction in a partition is the first of its sequence', async () => {
  await using host = await TestBroker.start()
  await host.topic(topic, 2)
  const client = await host.client()
  const me = await init(client, 'tx')
  assert.equal(await send(client, me, { topic, sequence: 1, values: ['b'] }), 'OUT_OF_ORDER_SEQUENCE_NUMBER')
  assert.equal(await send(client, me, { topic, sequence: 0, values: ['a'] }), 'NONE')
  assert.equal(await send(client, me, { topic, sequence: 1, values: ['b'] }), 'NONE')
  await end(client, me, true)
  assert.deepEqual((await settled(client, topic)).committed, ['a', 'b'])
})

test('a batch of a finished transaction that comes late is refused, and so is a zombie', async () => {
  await using host = await TestBroker.start()
  await host.topic(topic)
  const client = await host.client()
  const zombie = await init(client, 'tx')
  assert.equal(await send(client, zombie, { topic, sequence: 0, values: ['a'] }), 'NONE')
  await end(client, zombie, true)
  assert.equal(await send(client, zombie, { topic, sequence: 1, values: ['late'] }), 'INVALID_PRODUCER_EPOCH')
  const me = await init(client, 'tx')
  assert.equal(await send(client, zombie, { topic, sequence: 1, values: ['late'] }), 'INVALID_PRODUCER_EPOCH')
  assert.equal(await add(client, zombie, topic, [0]), 'PRODUCER_FENCED')
  assert.equal((await end(client, zombie, true)).error, 'PRODUCER_FENCED')
  assert.equal((await end(client, zombie, true, 1)).error, 'INVALID_PRODUCER_EPOCH', 'the word before version 2')
  assert.equal((await tryInit(client, 'tx', { known: zombie })).error, 'PRODUCER_FENCED')
  assert.equal(await send(client, me, { topic, sequence: 0, values: ['b'] }), 'NONE')
  await end(client, me, true)
  assert.deepEqual((await settled(client, topic)).committed, ['a', 'b'])
})

test('a producer that takes over aborts what the one before left open', async () => {
  await using host = await TestBroker.start()
  await host.topic(topic)
  const [first, second] = [await host.client(), await host.client()]
  const zombie = await init(first, 'tx')
  await send(first, zombie, { topic, sequence: 0, values: ['left'] })
  const me = await init(second, 'tx')
  assert.equal(me.producerId, zombie.producerId)
  assert.equal((await end(first, zombie, true)).error, 'PRODUCER_FENCED')
  await send(second, me, { topic, sequence: 0, values: ['mine'] })
  await end(second, me, true)
  assert.deepEqual((await settled(second, topic)).committed, ['mine'])
})

test('a commit that is delayed and delivered again on a second connection does not commit the next transaction', async () => {
  await using host = await TestBroker.start()
  await host.topic(topic)
  const [client, delayed] = [await host.client(), await host.client()]
  const first = await init(client, 'tx')
  await send(client, first, { topic, sequence: 0, values: ['a'] })
  const second = await end(client, first, true)
  await send(client, second, { topic, sequence: 0, values: ['b1'] })
  assert.equal((await end(delayed, first, true)).error, 'PRODUCER_FENCED')
  await send(client, second, { topic, sequence: 1, values: ['b2'] })
  assert.deepEqual((await read(client, topic)).committed, ['a'])
  await end(client, second, false)
  assert.equal((await end(delayed, second, false)).error, 'NONE', 'a repetition is answered as the first was')
  assert.equal((await end(delayed, second, true)).error, 'INVALID_TXN_STATE')
  assert.deepEqual((await settled(client, topic)).committed, ['a'])
})

test('requests that no client sends are answered with what is wrong', async () => {
  await using host = await TestBroker.start({ config: { 'transaction.max.timeout.ms': '5000' } })
  await host.topic(topic)
  const client = await host.client()
  assert.equal((await tryInit(client, '')).error, 'INVALID_REQUEST')
  assert.equal((await tryInit(client, 'tx', { timeoutMs: 5001 })).error, 'INVALID_TRANSACTION_TIMEOUT')
  assert.equal((await tryInit(client, 'tx', { timeoutMs: 0 })).error, 'INVALID_TRANSACTION_TIMEOUT')
  const stranger = { id: 'nobody', producerId: 99n, epoch: 0 }
  assert.equal(await add(client, stranger, topic, [0]), 'INVALID_PRODUCER_ID_MAPPING')
  assert.equal((await end(client, stranger, true)).error, 'INVALID_PRODUCER_ID_MAPPING')
  assert.equal(await send(client, stranger, { topic, sequence: 0, values: ['a'] }), 'INVALID_PRODUCER_ID_MAPPING')
  const me = await init(client, 'tx', 5000)
  assert.equal(await add(client, me, topic, [7]), 'UNKNOWN_TOPIC_OR_PARTITION')
  assert.equal((await end(client, me, true)).error, 'INVALID_TXN_STATE')
  const fields = { producerId: me.producerId, producerEpoch: me.epoch, baseSequence: 0, transactional: true }
  const records = encodeBatch([{ value: 'a' }], fields)
  const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }]
  const { responses } = await client.call(Produce, 9, { transactionalId: null, acks: -1, timeoutMs: 1000, topicData })
  const { errorCode } = responses[0]!.partitionResponses[0]!
  assert.equal(errorByCode(errorCode).name, 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED')
  assert.equal((await read(client, topic)).highWatermark, 0)
})

test('one unknown partition keeps all of them out', async () => {
  await using host = await TestBroker.start()
  await host.topic(topic)
  const client = await host.client()
  const { id, producerId, epoch } = await init(client, 'tx')
  const { resultsByTopicV3AndBelow: results } = await client.call(AddPartitionsToTxn, 3, {
    ...{ v3AndBelowTransactionalId: id, v3AndBelowProducerId: producerId, v3AndBelowProducerEpoch: epoch },
    v3AndBelowTopics: [{ name: topic, partitions: [0, 1] }],
  })
  const errors = results[0]!.resultsByPartition.map(row => errorByCode(row.partitionErrorCode).name)
  assert.deepEqual(errors, ['OPERATION_NOT_ATTEMPTED', 'UNKNOWN_TOPIC_OR_PARTITION'])
})

test('brokers add and verify partitions of many transactions at once', async () => {
  await using host = await TestBroker.start()
  await host.topic(topic, 2)
  const client = await host.client()
  const [one, two] = [await init(client, 'one'), await init(client, 'two')]
  const ask = async (verifyOnly: boolean) => {
    const transactions = [one, { ...two, epoch: 9 }].map(({ id: transactionalId, producerId, epoch }) => ({
      ...{ transactionalId, producerId, producerEpoch: epoch, verifyOnly },
      topics: [{ name: topic, partitions: [0] }],
    }))
    const { resultsByTransaction } = await client.call(AddPartitionsToTxn, 5, { transactions })
    return resultsByTransaction.map(
      ({ topicResults }) => errorByCode(topicResults[0]!.resultsByPartition[0]!.partitionErrorCode).name,
    )
  }
  assert.deepEqual(await ask(true), ['TRANSACTION_ABORTABLE', 'PRODUCER_FENCED'])
  assert.deepEqual(await ask(false), ['NONE', 'PRODUCER_FENCED'])
  assert.deepEqual(await ask(true), ['NONE', 'PRODUCER_FENCED'])
})

test('a transaction that takes too long is aborted, and its producer fenced', async () => {
  const config = { 'transaction.abort.timed.out.transaction.cleanup.interval.ms': '20' }
  await using host = await TestBroker.start({ config })
  await host.topic(topic)
  const client = await host.client()
  const slow = await init(client, 'tx', 40)
  await send(client, slow, { topic, sequence: 0, values: ['slow'] })
  assert.deepEqual((await settled(client, topic)).committed, [])
  assert.equal(await send(client, slow, { topic, sequence: 1, values: ['on'] }), 'INVALID_PRODUCER_EPOCH')
  assert.equal((await end(client, slow, true)).error, 'INVALID_TXN_STATE')
})

test('transactions are listed and described', async () => {
  await using host = await TestBroker.start()
  await host.topic(topic)
  const client = await host.client()
  const open = await init(client, 'open-1')
  await init(client, 'idle-1')
  await send(client, open, { topic, sequence: 0, values: ['a'] })
  const list = async (filter: { stateFilters?: string[]; producerIdFilters?: bigint[]; pattern?: string }) => {
    const { stateFilters = [], producerIdFilters = [], pattern = null } = filter
    const request = { stateFilters, producerIdFilters, transactionalIdPattern: pattern }
    const { errorCode, unknownStateFilters, transactionStates } = await client.call(ListTransactions, 2, request)
    const rows = transactionStates.map(
      ({ transactionalId, transactionState }) => `${transactionalId} ${transactionState}`,
    )
    return [...rows.sort(), ...unknownStateFilters, ...(errorCode === 0 ? [] : [errorByCode(errorCode).name])]
  }
  assert.deepEqual(await list({}), ['idle-1 Empty', 'open-1 Ongoing'])
  assert.deepEqual(await list({ stateFilters: ['Ongoing', 'Sleepy'] }), ['open-1 Ongoing', 'Sleepy'])
  assert.deepEqual(await list({ stateFilters: ['Sleepy'] }), ['Sleepy'])
  assert.deepEqual(await list({ producerIdFilters: [open.producerId] }), ['open-1 Ongoing'])
  assert.deepEqual(await list({ pattern: 'idle-.*' }), ['idle-1 Empty'])
  assert.deepEqual(await list({ pattern: 'idle' }), [])
  assert.deepEqual(await list({ pattern: '(' }), ['INVALID_REGULAR_EXPRESSION'])
  const { transactionStates } = await client.call(DescribeTransactions, 0, { transactionalIds: ['open-1', 'gone'] })
  const [known, unknown] = transactionStates
  assert.equal(known!.transactionState, 'Ongoing')
  assert.deepEqual(known!.topics, [{ topic, partitions: [0] }])
  assert.equal(errorByCode(unknown!.errorCode).name, 'TRANSACTIONAL_ID_NOT_FOUND')
})

test('an abort of nothing, sent right behind the end before it, is taken when that end is complete', async () => {
  await using host = await TestBroker.start()
  await host.topic(topic, 3)
  const client = await host.client()
  let me = await init(client, 'tx')
  for (let i = 0; i < 20; i++) {
    for (const partition of [0, 1, 2]) await send(client, me, { topic, partition, sequence: 0, values: [`${i}`] })
    const next = { ...me, epoch: me.epoch + 1 }
    const [committed, aborted] = await Promise.all([end(client, me, true), end(client, next, false)])
    assert.deepEqual([committed.error, aborted.error], ['NONE', 'NONE'])
    me = aborted
  }
  assert.equal((await settled(client, topic)).committed.length, 20)
})

test('an id that nobody uses is forgotten, and its producer must begin anew', async () => {
  const world = simulatedWorld({ seed: 1 })
  const config = {
    'transactional.id.expiration.ms': '60000',
    'transaction.remove.expired.transaction.cleanup.interval.ms': '1000',
  }
  const starting = TestBroker.start({ world, config })
  const host = await world.clock.finish(starting)
  const client = await world.clock.finish(host.client())
  const me = await world.clock.finish(init(client, 'tx'))
  await world.clock.advance(59_000)
  assert.equal((await world.clock.finish(end(client, me, false))).error, 'NONE')
  // Nothing expires in the first hour: the wall clock has to be trusted.
  await world.clock.advance(3_700_000)
  const later = await world.clock.finish(host.client())
  assert.equal((await world.clock.finish(end(later, me, false))).error, 'INVALID_PRODUCER_ID_MAPPING')
  await world.clock.finish(host[Symbol.asyncDispose]())
})

test('a transaction that its coordinator does not know is named', async () => {
  const world = simulatedWorld({ seed: 1 })
  const config = { 'transaction.partition.verification.enable': 'false' }
  const host = await world.clock.finish(TestBroker.start({ world, config }))
  await world.clock.finish(host.topic(topic))
  const client = await world.clock.finish(host.client())
  const me = await world.clock.finish(init(client, 'tx'))
  const batch = { topic, sequence: 0, values: ['a'], version: 9 }
  assert.equal(await world.clock.finish(send(client, { ...me, id: 'other', producerId: 77n }, batch)), 'NONE')
  await world.clock.advance(130_000)
  assert.equal(host.lines.filter(line => /a transaction hangs/.test(line)).length, 1)
  await world.clock.finish(host[Symbol.asyncDispose]())
})

test('each transactional id has its node, and the others send clients there', async () => {
  await using host = await TestBroker.start({ nodes: 2 })
  await host.topic(topic)
  const client = await host.client()
  const ids = ['a', 'b', 'c', 'd']
  const { coordinators } = await client.call(FindCoordinator, 4, { keyType: 1, coordinatorKeys: ids })
  const errors = await Promise.all(ids.map(async id => (await tryInit(client, id)).error))
  const expected = coordinators.map(({ nodeId }) => (nodeId === 1 ? 'NONE' : 'NOT_COORDINATOR'))
  assert.deepEqual(errors, expected)
  assert.equal(new Set(expected).size, 2)
})

test('a transaction has no more partitions than its record can name: those beyond are refused before they are written to', async () => {
  await using host = await TestBroker.start()
  const names = Array.from({ length: 60 }, (_, i) => `${'t'.repeat(90)}-${i}`)
  for (const name of names) await host.topic(name)
  const client = await host.client()
  for (const version of [12, 9]) {
    const me = await init(client, `tx-${version}`)
    const configs = [{ name: 'max.message.bytes', configOperation: 0, value: '4096' }]
    const resources = [{ resourceType: 2, resourceName: '__transaction_state', configs }]
    await client.call(IncrementalAlterConfigs, 1, { resources, validateOnly: false })
    const answers: string[] = []
    for (const name of names) {
      if (version < 12) answers.push(await add(client, me, name, [0]))
      else answers.push(await send(client, me, { topic: name, sequence: 0, values: ['a'] }))
    }
    const taken = answers.lastIndexOf('NONE') + 1
    assert.ok(taken > 30 && taken < 40, answers.join(' '))
    assert.deepEqual(
      new Set(answers.slice(taken)),
      new Set([version < 12 ? 'INVALID_TXN_STATE' : 'TRANSACTION_ABORTABLE']),
    )
    assert.equal((await end(client, me, false, version < 12 ? 3 : 5)).error, 'NONE')
  }
  for (const [i, name] of names.entries()) {
    const { highWatermark, lastStableOffset } = await settled(client, name)
    assert.equal(lastStableOffset, highWatermark)
    if (i > 40) assert.equal(highWatermark, 0, 'nothing was written that was refused')
  }
})
