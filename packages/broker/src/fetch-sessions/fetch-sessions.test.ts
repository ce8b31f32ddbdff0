import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  DeleteTopics,
  ErrorCodes,
  Fetch,
  Metadata,
  type Request,
  type RequestInput,
  type Response,
} from '@odradek/protocol'
import { simulatedWorld } from '@odradek/world'
import type { RawClient } from '../testing/raw-client.ts'
import { fetchRequest, produceTo, TestBroker } from '../testing/test-broker.ts'
import type { FetchSession } from './fetch-session.ts'
import { FetchSessions } from './fetch-sessions.ts'

const { NONE, FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH, FETCH_SESSION_TOPIC_ID_ERROR } = ErrorCodes

type Answer = Response<typeof Fetch>
const ask = (client: RawClient, more: Partial<RequestInput<typeof Fetch>>, version = 12): Promise<Answer> =>
  client.call(Fetch, version, { maxWaitMs: 0, minBytes: 1, topics: [], ...more })
const topic = (name: string, ...offsets: number[]) => ({
  topic: name,
  partitions: offsets.map((fetchOffset, partition) => ({ partition, fetchOffset, partitionMaxBytes: 1024 * 1024 })),
})
const told = ({ responses }: Answer) =>
  responses.flatMap(each => each.partitions.map(row => `${each.topic}-${row.partitionIndex}@${row.highWatermark}`))

async function begun(broker: TestBroker, ...topics: ReturnType<typeof topic>[]) {
  const client = await broker.client()
  const { sessionId, errorCode } = await ask(client, { sessionEpoch: 0, topics })
  assert.equal(errorCode, NONE)
  assert.notEqual(sessionId, 0)
  return { client, sessionId }
}

test('a session answers everything first, then what is new', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t', 3)
  const { client, sessionId } = await begun(broker, topic('t', 0, 0, 0))
  const quiet = await ask(client, { sessionId, sessionEpoch: 1 })
  assert.deepEqual([quiet.errorCode, quiet.sessionId, quiet.responses], [NONE, sessionId, []])
  await produceTo(client, 't', [{ value: 'a' }])
  assert.deepEqual(told(await ask(client, { sessionId, sessionEpoch: 2 })), ['t-0@1'])
  const moved = { topic: 't', partitions: [{ partition: 0, fetchOffset: 1, partitionMaxBytes: 1000 }] }
  assert.deepEqual(told(await ask(client, { sessionId, sessionEpoch: 3, topics: [moved] })), [])
})

test('a poll that waits in a session wakes for a partition that it does not name', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t', 2)
  const { client, sessionId } = await begun(broker, topic('t', 0, 0))
  const waits = ask(client, { sessionId, sessionEpoch: 1, maxWaitMs: 60_000 })
  await produceTo(await broker.client(), 't', [{ value: 'a' }])
  assert.deepEqual(told(await waits), ['t-0@1'])
})

test('partitions that are forgotten are not told of any more; without any left the session ends', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t', 2)
  const { client, sessionId } = await begun(broker, topic('t', 0, 0))
  await produceTo(client, 't', [{ value: 'a' }])
  const gone = (...partitions: number[]) => ({ forgottenTopicsData: [{ topic: 't', partitions }] })
  assert.deepEqual(told(await ask(client, { sessionId, sessionEpoch: 1, ...gone(0) })), [])
  const last = await ask(client, { sessionId, sessionEpoch: 2, ...gone(1) })
  assert.deepEqual([last.errorCode, last.sessionId], [NONE, 0])
  assert.equal((await ask(client, { sessionId, sessionEpoch: 3 })).errorCode, FETCH_SESSION_ID_NOT_FOUND)
})

test('an error is told each time, and its end, too', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t', 1)
  const { client, sessionId } = await begun(broker, topic('t', 0))
  const beyond = { topic: 't', partitions: [{ partition: 0, fetchOffset: 9, partitionMaxBytes: 1000 }] }
  const codes = ({ responses }: Answer) => responses.flatMap(each => each.partitions.map(row => row.errorCode))
  assert.deepEqual(codes(await ask(client, { sessionId, sessionEpoch: 1, topics: [beyond] })), [1])
  assert.deepEqual(codes(await ask(client, { sessionId, sessionEpoch: 2 })), [1])
  assert.deepEqual(codes(await ask(client, { sessionId, sessionEpoch: 3, topics: [topic('t', 0)] })), [0])
  await client.call(DeleteTopics, 5, { topicNames: ['t'], timeoutMs: 1000 })
  assert.deepEqual(codes(await ask(client, { sessionId, sessionEpoch: 4 })), [3])
})

test('another epoch, another way to name topics, another node and an unknown session are refused, and change nothing', async () => {
  await using broker = await TestBroker.start({ nodes: 2 })
  await broker.topic('t', 1)
  const { client, sessionId } = await begun(broker, topic('t', 0))
  for (const sessionEpoch of [2, 7])
    assert.equal((await ask(client, { sessionId, sessionEpoch })).errorCode, INVALID_FETCH_SESSION_EPOCH)
  assert.equal((await ask(client, { sessionId, sessionEpoch: 1 }, 13)).errorCode, FETCH_SESSION_TOPIC_ID_ERROR)
  const elsewhere = await broker.client(1)
  assert.equal((await ask(elsewhere, { sessionId, sessionEpoch: 1 })).errorCode, FETCH_SESSION_ID_NOT_FOUND)
  const unknown = await ask(client, { sessionId: sessionId ^ 1, sessionEpoch: 1 })
  assert.deepEqual([unknown.errorCode, unknown.sessionId, unknown.responses], [FETCH_SESSION_ID_NOT_FOUND, 0, []])
  assert.equal((await ask(client, { sessionId, sessionEpoch: 1 })).errorCode, NONE)
  assert.equal((await ask(client, { sessionId, sessionEpoch: 1 })).errorCode, INVALID_FETCH_SESSION_EPOCH)
})

test('a session ends at the wish of its client, or when it begins another in its place', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t', 1)
  const { client, sessionId } = await begun(broker, topic('t', 0))
  const other = await ask(client, { sessionId, sessionEpoch: 0, topics: [topic('t', 0)] })
  assert.notEqual(other.sessionId, sessionId)
  assert.equal((await ask(client, { sessionId, sessionEpoch: 1 })).errorCode, FETCH_SESSION_ID_NOT_FOUND)
  const alone = await ask(client, { sessionId: other.sessionId, sessionEpoch: -1, topics: [topic('t', 0)] })
  assert.deepEqual([alone.sessionId, told(alone)], [0, ['t-0@0']])
  assert.equal(
    (await ask(client, { sessionId: other.sessionId, sessionEpoch: 1 })).errorCode,
    FETCH_SESSION_ID_NOT_FOUND,
  )
})

test('there is an end to what is remembered, and who finds no room is served without', async () => {
  const config = { 'max.incremental.fetch.session.cache.slots': '2', 'odradek.fetch.session.cache.partitions': '4' }
  await using broker = await TestBroker.start({ config })
  await broker.topic('t', 6)
  const { client, sessionId } = await begun(broker, topic('t', 0, 0))
  const large = await ask(client, { sessionEpoch: 0, topics: [topic('t', 0, 0, 0)] })
  assert.deepEqual([large.errorCode, large.sessionId, told(large).length], [NONE, 0, 3])
  const second = await begun(broker, topic('t', 0))
  const third = await ask(client, { sessionEpoch: 0, topics: [topic('t', 0)] })
  assert.equal(third.sessionId, 0)
  const grown = await ask(second.client, {
    sessionId: second.sessionId,
    sessionEpoch: 1,
    topics: [topic('t', 0, 0, 0)],
  })
  assert.equal(grown.errorCode, FETCH_SESSION_ID_NOT_FOUND)
  assert.equal((await ask(client, { sessionId, sessionEpoch: 1 })).errorCode, NONE)
})

test('who was quiet for long gives way, and a smaller one to a larger when it has had its time', () => {
  const { random } = simulatedWorld({ seed: 1 })
  const sessions = new FetchSessions(random, () => ({ slots: 2, evictionMs: 100, partitions: 100 }))
  const begin = (now: number, ...offsets: number[]) => {
    const request = { sessionId: 0, sessionEpoch: 0, topics: [topic('t', ...offsets)] } as unknown as Request<
      typeof Fetch
    >
    const scope = sessions.scope(request, { nodeId: 1, usesTopicIds: false, now })
    return 'refused' in scope ? undefined : scope.session
  }
  const goOn = ({ id, epoch }: FetchSession, now: number) => {
    const request = { sessionId: id, sessionEpoch: epoch, topics: [], forgottenTopicsData: [] }
    return !(
      'refused' in sessions.scope(request as unknown as Request<typeof Fetch>, { nodeId: 1, usesTopicIds: false, now })
    )
  }
  const small = begin(0, 0)!
  const large = begin(0, 0, 0)!
  assert.equal(begin(50, 0, 0, 0), undefined)
  assert.ok(goOn(small, 90) && goOn(large, 90))
  assert.equal(begin(150, 0), undefined)
  assert.ok(begin(150, 0, 0))
  assert.deepEqual([goOn(small, 151), goOn(large, 151)], [false, true])
  const idle = begin(400, 0)
  assert.ok(idle)
  assert.equal(sessions.size, 2)
})

test('sessions name topics by id, too', async () => {
  await using broker = await TestBroker.start()
  await broker.topic('t', 1)
  const client = await broker.client()
  const { topics } = await client.call(Metadata, 12, { topics: null })
  const { topics: asked } = fetchRequest('t', 0)
  const named = { topicId: topics[0]!.topicId, partitions: asked[0]!.partitions }
  const first = await ask(client, { sessionEpoch: 0, topics: [named] }, 16)
  await produceTo(client, 't', [{ value: 'a' }])
  const next = await ask(client, { sessionId: first.sessionId, sessionEpoch: 1 }, 16)
  assert.deepEqual(
    next.responses.map(each => [each.topicId, each.partitions[0]!.highWatermark]),
    [[topics[0]!.topicId, 1]],
  )
})
