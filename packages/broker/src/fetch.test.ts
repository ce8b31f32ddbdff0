import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  DeleteRecords,
  DeleteTopics,
  decodeRecords,
  ErrorCodes,
  eachBatch,
  encodeBatch,
  Fetch,
  ListOffsets,
  Metadata,
  OffsetForLeaderEpoch,
  Produce,
  type RequestInput,
  type Response,
} from '@odradek/protocol'
import type { RawClient } from './testing/raw-client.ts'
import { fetchRequest, produceRequest, produceTo, TestBroker } from './testing/test-broker.ts'

type Partition = Response<typeof Fetch>['responses'][number]['partitions'][number]

async function fetchOne(client: RawClient, request: RequestInput<typeof Fetch>, version = 12): Promise<Partition> {
  const { responses } = await client.call(Fetch, version, request)
  return responses[0]!.partitions[0]!
}

const offsetsIn = (records: Uint8Array | null) =>
  Array.from(eachBatch(records ?? new Uint8Array(0)), batch => batch.baseOffset)
const values = (records: Uint8Array | null) =>
  Array.from(decodeRecords(records!), record => Buffer.from(record.value!).toString())

const noWait = { maxWaitMs: 0 }
const aMinute = { maxWaitMs: 60_000 }

test('every version reads what was written', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t')
  const client = await broker.client()
  await produceTo(client, 't', [{ value: 'a' }, { value: 'b' }])
  const { topics } = await client.call(Metadata, 12, { topics: [{ name: 't' }] })
  for (let version = 4; version <= 18; version++) {
    const { topics: asked, ...rest } = fetchRequest('t', 0)
    const request = { ...rest, topics: [{ ...asked[0]!, topicId: topics[0]!.topicId }] }
    const { errorCode, records, highWatermark, abortedTransactions } = await fetchOne(client, request, version)
    assert.deepEqual([errorCode, highWatermark, abortedTransactions], [0, 2, null], `version ${version}`)
    assert.deepEqual(values(records), ['a', 'b'])
  }
})

test('an offset inside a batch returns the whole batch', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t')
  const client = await broker.client()
  await produceTo(client, 't', [{ value: 'a' }, { value: 'b' }, { value: 'c' }])
  const { records } = await fetchOne(client, fetchRequest('t', 2))
  assert.deepEqual(values(records), ['a', 'b', 'c'])
})

test('the first batch comes whole, however small the limits are', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t')
  const client = await broker.client()
  for (let i = 0; i < 3; i++) await produceTo(client, 't', [{ value: Buffer.alloc(10_000) }])
  const { records } = await fetchOne(client, fetchRequest('t', 0, { maxBytes: 1, partitionMaxBytes: 1 }))
  assert.deepEqual(offsetsIn(records), [0])
  const more = await fetchOne(client, fetchRequest('t', 0, { partitionMaxBytes: 25_000 }))
  assert.deepEqual(offsetsIn(more.records), [0, 1])
})

test('partitions take turns at being first', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t', 3)
  const client = await broker.client()
  const batch = encodeBatch([{ value: Buffer.alloc(10_000) }])
  const partitionData = [0, 1, 2].map(index => ({ index, records: Buffer.from(batch) }))
  await client.call(Produce, 9, { acks: 1, timeoutMs: 1000, topicData: [{ name: 't', partitionData }] })
  const partitions = [0, 1, 2].map(partition => ({ partition, fetchOffset: 0, partitionMaxBytes: 100_000 }))
  const served = new Set<number>()
  for (let i = 0; i < 3; i++) {
    const { responses } = await client.call(Fetch, 12, {
      ...noWait,
      minBytes: 1,
      maxBytes: 1,
      topics: [{ topic: 't', partitions }],
    })
    for (const { partitionIndex, records } of responses[0]!.partitions)
      if (records!.length > 0) served.add(partitionIndex)
  }
  assert.deepEqual([...served].sort(), [0, 1, 2])
})

test('whose turn it is, is a matter of each broker alone', async () => {
  await using one = await TestBroker.start()
  await using two = await TestBroker.start()
  const clients: RawClient[] = []
  for (const broker of [one, two]) {
    await broker.topic('t', 2)
    const client = await broker.client()
    for (const partition of [0, 1])
      await client.call(Produce, 9, produceRequest('t', encodeBatch([{ value: 'v' }]), { partition }))
    clients.push(client)
  }
  const partitions = [0, 1].map(partition => ({ partition, fetchOffset: 0, partitionMaxBytes: 1000 }))
  const firstOf = async (client: RawClient) => {
    const request = { ...noWait, minBytes: 1, maxBytes: 1, topics: [{ topic: 't', partitions }] }
    const { responses } = await client.call(Fetch, 12, request)
    return responses[0]!.partitions.find(({ records }) => records!.length > 0)!.partitionIndex
  }
  const served: number[][] = [[], []]
  for (let i = 0; i < 4; i++) for (const [k, client] of clients.entries()) served[k]!.push(await firstOf(client))
  assert.deepEqual(served, [
    [0, 1, 0, 1],
    [0, 1, 0, 1],
  ])
})

test('a fetch at the end waits, and comes back as soon as something is appended', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t')
  const [reader, writer] = [await broker.client(), await broker.client()]
  const waiting = fetchOne(reader, fetchRequest('t', 0, aMinute))
  await produceTo(writer, 't', [{ value: 'a' }])
  assert.deepEqual(values((await waiting).records), ['a'])
})

test('a fetch that wants many bytes waits for them', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t')
  const [reader, writer] = [await broker.client(), await broker.client()]
  const waiting = fetchOne(reader, fetchRequest('t', 0, { ...aMinute, minBytes: 5000 }))
  for (let i = 0; i < 3; i++) await produceTo(writer, 't', [{ value: Buffer.alloc(2000) }])
  assert.deepEqual(offsetsIn((await waiting).records), [0, 1, 2])
})

test('a fetch that wants more bytes than it may have gets those at once', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t')
  const client = await broker.client()
  for (let i = 0; i < 3; i++) await produceTo(client, 't', [{ value: Buffer.alloc(2000) }])
  const request = fetchRequest('t', 0, { ...aMinute, minBytes: 100_000, partitionMaxBytes: 5000 })
  assert.deepEqual(offsetsIn((await fetchOne(client, request)).records), [0, 1])
})

test('a fetch gives up after its time, with nothing', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t')
  const { errorCode, records } = await fetchOne(await broker.client(), fetchRequest('t', 0, { maxWaitMs: 20 }))
  assert.deepEqual([errorCode, records!.length], [0, 0])
})

test('a waiting fetch hears that its topic is gone', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t')
  const [reader, writer] = [await broker.client(), await broker.client()]
  const waiting = fetchOne(reader, fetchRequest('t', 0, aMinute))
  await writer.call(DeleteTopics, 5, { topicNames: ['t'], timeoutMs: 1000 })
  assert.equal((await waiting).errorCode, ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION)
})

test('closing the broker answers who waits', async () => {
  const broker = await TestBroker.start()
  await broker.topic('t')
  const reader = await broker.client()
  const waiting = fetchOne(reader, fetchRequest('t', 0, aMinute))
  await fetchOne(await broker.client(), fetchRequest('t', 0))
  await broker.broker.close()
  assert.equal((await waiting).errorCode, ErrorCodes.NONE)
  await reader.closed
})

test('errors are told at once, next to partitions that would have to wait', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t', 2)
  const client = await broker.client()
  const partition = (index: number, fetchOffset: number, currentLeaderEpoch = -1) => ({
    ...{ partition: index, fetchOffset, currentLeaderEpoch, partitionMaxBytes: 1000 },
  })
  const cases = [
    { asked: partition(0, 1), error: ErrorCodes.OFFSET_OUT_OF_RANGE },
    { asked: partition(0, -5), error: ErrorCodes.OFFSET_OUT_OF_RANGE },
    { asked: partition(7, 0), error: ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION },
    { asked: partition(0, 0, 0), error: ErrorCodes.FENCED_LEADER_EPOCH },
    { asked: partition(0, 0, 99), error: ErrorCodes.UNKNOWN_LEADER_EPOCH },
  ]
  for (const { asked, error } of cases) {
    const topics = [{ topic: 't', partitions: [partition(1, 0), asked] }]
    const { responses } = await client.call(Fetch, 12, { ...aMinute, minBytes: 1, topics })
    assert.equal(responses[0]!.partitions[1]!.errorCode, error)
  }
  assert.equal(
    (await fetchOne(client, fetchRequest('nowhere', 0, aMinute))).errorCode,
    ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION,
  )
  const topicId = '11111111-1111-4111-8111-111111111111'
  const byId = { ...aMinute, minBytes: 1, topics: [{ topicId, partitions: [partition(0, 0)] }] }
  assert.equal((await fetchOne(client, byId, 13)).errorCode, ErrorCodes.UNKNOWN_TOPIC_ID)
})

test('read_committed gets a list of aborted transactions, read_uncommitted gets null', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t')
  const client = await broker.client()
  await produceTo(client, 't', [{ value: 'a' }])
  const committed = await fetchOne(client, fetchRequest('t', 0, { isolationLevel: 1 }))
  assert.deepEqual([committed.abortedTransactions, committed.lastStableOffset], [[], 1])
})

test('zstd is not given to those who cannot know it', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t')
  const client = await broker.client()
  await produceTo(client, 't', encodeBatch([{ value: 'a' }], { compression: 'zstd' }))
  assert.equal((await fetchOne(client, fetchRequest('t', 0), 9)).errorCode, ErrorCodes.UNSUPPORTED_COMPRESSION_TYPE)
  assert.deepEqual(values((await fetchOne(client, fetchRequest('t', 0), 10)).records), ['a'])
})

test('offsets by time and by name', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t')
  const client = await broker.client()
  for (const timestamp of [1000, 3000, 2000]) await produceTo(client, 't', [{ value: 'v', timestamp }])
  const listed = async (timestamp: number, version = 11) => {
    const partitions = [{ partitionIndex: 0, timestamp }]
    const { topics } = await client.call(ListOffsets, version, { replicaId: -1, topics: [{ name: 't', partitions }] })
    const { errorCode, offset, timestamp: at } = topics[0]!.partitions[0]!
    return [errorCode, offset, at]
  }
  assert.deepEqual(await listed(-1), [0, 3, -1])
  assert.deepEqual(await listed(-2), [0, 0, -1])
  assert.deepEqual(await listed(-3), [0, 1, 3000])
  assert.deepEqual(await listed(-4), [0, 0, -1])
  assert.deepEqual(await listed(-5), [0, -1, -1])
  assert.deepEqual(await listed(1001), [0, 1, 3000])
  assert.deepEqual(await listed(3001), [0, -1, -1])
  assert.deepEqual(await listed(-3, 6), [ErrorCodes.UNSUPPORTED_VERSION, -1, -1])
})

test('what DeleteRecords took away is out of range, with the offset to go on from', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t')
  const client = await broker.client()
  for (let i = 0; i < 3; i++) await produceTo(client, 't', [{ value: 'v' }])
  const trimmed = async (offset: number) => {
    const { topics } = await client.call(DeleteRecords, 2, {
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, offset }] }],
      timeoutMs: 100,
    })
    return topics[0]!.partitions[0]!
  }
  assert.equal((await trimmed(2)).lowWatermark, 2)
  const { errorCode, logStartOffset } = await fetchOne(client, fetchRequest('t', 0))
  assert.deepEqual([errorCode, logStartOffset], [ErrorCodes.OFFSET_OUT_OF_RANGE, 2])
  assert.equal((await trimmed(4)).errorCode, ErrorCodes.OFFSET_OUT_OF_RANGE)
  assert.equal((await trimmed(-1)).lowWatermark, 3)
})

test('the end of a leader epoch can be asked for', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t')
  const client = await broker.client()
  await produceTo(client, 't', [{ value: 'v' }])
  const partitions = [{ partition: 0, leaderEpoch: 1 }]
  const { topics } = await client.call(OffsetForLeaderEpoch, 4, { topics: [{ topic: 't', partitions }] })
  const { errorCode, leaderEpoch, endOffset } = topics[0]!.partitions[0]!
  assert.deepEqual([errorCode, leaderEpoch, endOffset], [0, 1, 1])
})
