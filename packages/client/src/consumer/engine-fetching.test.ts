/** How the engine fetches from brokers that misbehave, in simulated time. */
import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test } from 'node:test'
import { ErrorCodes, Fetch, Metadata, OffsetForLeaderEpoch } from '@odradek/protocol'
import { append, play, t0 } from '../testing/engine-scene.ts'
import type { ScriptedCluster } from '../testing/scripted-broker.ts'

const oneError = (errorCode: number) => (request: { topics: readonly { topic?: string; topicId: string }[] }) => ({
  errorCode: 0,
  sessionId: 0,
  responses: [
    {
      topic: 't',
      topicId: request.topics[0]!.topicId,
      partitions: [{ partitionIndex: 0, errorCode, highWatermark: -1, abortedTransactions: null, records: null }],
    },
  ],
})

/** Metadata with a leader epoch that the test can raise. */
function withEpoch(cluster: ScriptedCluster): { epoch: number } {
  const state = { epoch: 3 }
  cluster.on(Metadata, async (request, call) => {
    const answer: any = await cluster.healthy(Metadata, request, call)
    for (const topic of answer.topics) for (const p of topic.partitions) p.leaderEpoch = state.epoch
    return answer
  })
  return state
}

test('a leader that has moved is followed', async () => {
  await play({ nodes: 2 }, async ({ cluster, engine, take }) => {
    const e = engine()
    e.assign([t0])
    append(cluster, 'a')
    await take(e, 1)
    cluster.topics.get('t')!.leaders[0] = 1
    append(cluster, 'b')
    assert.deepEqual(await take(e, 1), ['1=b'])
  })
})

for (const code of [
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'UNKNOWN_TOPIC_ID',
  'KAFKA_STORAGE_ERROR',
  'UNKNOWN_SERVER_ERROR',
] as const) {
  test(`${code} is got over (platformatic #250, #279)`, async () => {
    await play({}, async ({ cluster, engine, take }) => {
      append(cluster, 'a')
      cluster.once(Fetch, oneError(ErrorCodes[code]))
      const e = engine()
      e.assign([t0])
      assert.deepEqual(await take(e, 1), ['0=a'])
    })
  })
}

test('a topic we may not read ends the engine with the reason', async () => {
  await play({}, async ({ cluster, engine, take }) => {
    cluster.on(Fetch, oneError(ErrorCodes.TOPIC_AUTHORIZATION_FAILED))
    const e = engine()
    e.assign([t0])
    await assert.rejects(take(e, 1), { code: 'TOPIC_AUTHORIZATION_FAILED', topic: 't' })
    await assert.rejects(take(e, 1), { code: 'TOPIC_AUTHORIZATION_FAILED' }, 'and keeps saying so')
    assert.equal(e.health().state, 'failed')
  })
})

test('an offset out of range is reset as configured, and told (platformatic #286)', async () => {
  await play({}, async ({ cluster, engine, take }) => {
    for (const value of ['a', 'b', 'c']) append(cluster, value)
    const resets: any[] = []
    const note = (message: any) => resets.push(message)
    subscribe('odradek:consumer:reset', note)
    const e = engine()
    e.assign([t0])
    await take(e, 3)
    e.seek(t0, 99)
    assert.deepEqual(await take(e, 3), ['0=a', '1=b', '2=c'])
    unsubscribe('odradek:consumer:reset', note)
    assert.deepEqual([resets.at(-1).offset, resets.at(-1).reason], [0, 'offset 99 is out of range'])
  })
})

test('sessions are reused: what has not changed is not asked for again (platformatic #316)', async () => {
  await play({ topics: { t: 2 } }, async ({ cluster, answers, engine, take, run }) => {
    answers.hasSessions = true
    append(cluster, 'a')
    const e = engine()
    e.assign([t0, { topic: 't', partition: 1 }])
    await take(e, 1)
    for (let i = 0; i < 4; i++) await run(e.poll(600))
    append(cluster, 'b', 1)
    assert.deepEqual(await take(e, 1), ['0=b'])
    const inSession = cluster.seen.filter(({ api, request }) => api === 'Fetch' && request.sessionEpoch > 0)
    assert(inSession.length >= 3)
    assert(inSession.some(({ request }) => request.topics.length === 0))
  })
})

test('a session that the broker has forgotten is begun anew', async () => {
  await play({}, async ({ cluster, answers, engine, take, run }) => {
    answers.hasSessions = true
    const e = engine()
    e.assign([t0])
    for (let i = 0; i < 3; i++) await run(e.poll(600))
    cluster.once(Fetch, () => ({ errorCode: ErrorCodes.FETCH_SESSION_ID_NOT_FOUND, sessionId: 0, responses: [] }))
    append(cluster, 'a')
    assert.deepEqual(await take(e, 1), ['0=a'])
  })
})

test('a new leader is asked whether it has what was read, and a truncated log sets the position back and is told of', async () => {
  await play({}, async ({ cluster, kafka, engine, take, run }) => {
    const state = withEpoch(cluster)
    for (const value of ['a', 'b', 'c']) append(cluster, value, 0, 3)
    const ends: unknown[] = []
    const e = engine({ hooks: { onPositionLost: ({ truncatedTo }) => void ends.push(truncatedTo) } })
    e.assign([t0])
    await take(e, 3)
    cluster.on(OffsetForLeaderEpoch, () => ({
      topics: [{ topic: 't', partitions: [{ errorCode: 0, partition: 0, leaderEpoch: 3, endOffset: 2 }] }],
    }))
    state.epoch = 4
    await run(kafka.cluster.refresh())
    assert.deepEqual(await take(e, 1), ['2=c'])
    assert.deepEqual(ends, [2])
    const asked = cluster.seen.find(({ api }) => api === 'OffsetForLeaderEpoch')!
    assert.equal(asked.request.topics[0].partitions[0].leaderEpoch, 3)
  })
})

test('what is taken while the leader is asked is not given out again, though the epoch asked about ended before it', async () => {
  await play({}, async ({ cluster, kafka, engine, take, run }) => {
    const state = withEpoch(cluster)
    for (const value of ['a', 'b']) append(cluster, value, 0, 3)
    for (const value of ['c', 'd']) append(cluster, value, 0, 4)
    const e = engine()
    e.assign([t0])
    await take(e, 2)
    cluster.on(OffsetForLeaderEpoch, () => ({
      topics: [{ topic: 't', partitions: [{ errorCode: 0, partition: 0, leaderEpoch: 3, endOffset: 2 }] }],
    }))
    state.epoch = 5
    await run(kafka.cluster.refresh())
    assert.deepEqual(await take(e, 2), ['2=c', '3=d'])
    append(cluster, 'e', 0, 5)
    assert.deepEqual(await take(e, 1), ['4=e'])
    assert.equal(
      cluster.seen.find(({ api }) => api === 'OffsetForLeaderEpoch')!.request.topics[0].partitions[0].leaderEpoch,
      3,
    )
  })
})

test('no more is fetched than the buffer holds, until it is taken', async () => {
  await play({}, async ({ cluster, engine, take, world }) => {
    const values = Array.from({ length: 40 }, (_, i) => `${i}`.padEnd(1_000, '.'))
    for (const value of values) append(cluster, value)
    const e = engine({ partitionMaxBytes: 2_000, bufferBytes: 5_000 })
    e.assign([t0])
    await world.clock.advance(30_000)
    const fetches = cluster.count(Fetch)
    assert(fetches >= 2 && fetches <= 5, `${fetches} fetches of one record each`)
    assert.equal((await take(e, 40)).length, 40)
  })
})

test('a batch larger than the limit is fetched nevertheless', async () => {
  await play({}, async ({ cluster, engine, take }) => {
    append(cluster, 'x'.repeat(10_000))
    append(cluster, 'y')
    const e = engine({ partitionMaxBytes: 100, bufferBytes: 500 })
    e.assign([t0])
    assert.deepEqual(
      (await take(e, 2)).map(value => value.slice(0, 3)),
      ['0=x', '1=y'],
    )
  })
})

test('a nearer replica that the leader points to is read from; when it is behind, the leader is asked again (KIP-392)', async () => {
  await play({ nodes: 2 }, async ({ cluster, engine, take }) => {
    append(cluster, 'a')
    const { topicId } = cluster.topics.get('t')!
    const asked: string[] = []
    const answer = (more: object) => {
      const nothing = { partitionIndex: 0, errorCode: 0, highWatermark: 1, abortedTransactions: null, records: null }
      return { errorCode: 0, sessionId: 0, responses: [{ topic: 't', topicId, partitions: [{ ...nothing, ...more }] }] }
    }
    cluster.on(Fetch, ({ rackId }, { node }) => {
      asked.push(`${node.id} ${rackId}`)
      if (asked.length === 1) return answer({ preferredReadReplica: 1 })
      if (node.id === 1) return answer({ errorCode: ErrorCodes.OFFSET_OUT_OF_RANGE })
      return answer({ records: cluster.partition('t').batches[0]! })
    })
    const e = engine({ rackId: 'r' })
    e.assign([t0])
    assert.deepEqual(await take(e, 1), ['0=a'])
    assert.deepEqual(asked.slice(0, 3), ['0 r', '1 r', '0 r'])
  })
})

/** The record at offset 1 with a bit that is wrong, and as it should be. */
function damageSecond(cluster: ScriptedCluster): { heal(): void } {
  const { batches } = cluster.partition('t')
  const good = batches[1]!
  const bad = Uint8Array.from(good)
  bad[bad.length - 2]! ^= 1
  batches[1] = bad
  return { heal: () => void (batches[1] = good) }
}

test('damaged bytes are fetched again, and what came before them is not handed out twice', async () => {
  await play({}, async ({ cluster, engine, take }) => {
    append(cluster, 'a')
    append(cluster, 'b')
    const { heal } = damageSecond(cluster)
    const e = engine()
    e.assign([t0])
    assert.deepEqual(await take(e, 1), ['0=a'])
    heal()
    assert.deepEqual(await take(e, 1), ['1=b'])
  })
})

test('bytes that stay damaged are told of by poll, with how to go on; a seek goes on', async () => {
  await play({}, async ({ cluster, engine, take }) => {
    for (const value of ['a', 'b', 'c']) append(cluster, value)
    damageSecond(cluster)
    const e = engine()
    e.assign([t0])
    await take(e, 1)
    const told = {
      code: 'CORRUPTION',
      topic: 't',
      partition: 0,
      offset: 1,
      resumeAt: 2,
      message: /offset 1 of t-0.*seek to 2/,
    }
    await assert.rejects(take(e, 1), told)
    await assert.rejects(take(e, 1), told, 'until somebody does something about it')
    e.seek(t0, 2)
    assert.deepEqual(await take(e, 1), ['2=c'])
    assert.equal(e.health().state, 'running')
  })
})

test('records that the broker says are damaged are told of by poll; the other partitions go on meanwhile', async () => {
  await play({ topics: { t: 2 } }, async ({ cluster, answers, engine, take, run, world }) => {
    append(cluster, 'lost')
    append(cluster, 'a')
    append(cluster, 'other', 1)
    let refusals = 0
    answers.isDamaged = (partition, offset) => {
      const isLost = partition === 0 && offset === 0
      if (isLost) refusals++
      return isLost
    }
    const e = engine()
    e.assign([t0, { topic: 't', partition: 1 }])
    assert.deepEqual(await take(e, 1), ['0=other'])
    await assert.rejects(take(e, 1), { code: 'CORRUPTION', offset: 0, resumeAt: 1, message: /the broker says/ })
    const before = { refusals, at: world.clock.monotonic() }
    append(cluster, 'more', 1)
    assert.deepEqual(await take(e, 1), ['1=more'])
    await assert.rejects(run(e.poll(3_000)), { code: 'CORRUPTION' })
    assert(refusals - before.refusals <= (world.clock.monotonic() - before.at) / 100 + 1, 'asked too often')
    e.seek(t0, 1)
    assert.deepEqual(await take(e, 1), ['1=a'])
  })
})

test('brokers that cannot be reached are borne with for a while, told of, and then end the engine', async () => {
  await play(
    { kafka: { retryTimeoutMs: 1_000, connectTimeoutMs: 500 } },
    async ({ cluster, engine, take, run, world }) => {
      append(cluster, 'a')
      const troubles: any[] = []
      const note = (message: any) => troubles.push(message)
      subscribe('odradek:consumer:trouble', note)
      const e = engine({ retryForMs: 10_000 })
      e.assign([t0])
      await take(e, 1)
      const [node] = cluster.nodes
      await run(node!.stop())
      const stopped = world.clock.monotonic()
      await assert.rejects(take(e, 1), { code: 'CONNECTION' })
      unsubscribe('odradek:consumer:trouble', note)
      assert(world.clock.monotonic() - stopped >= 10_000)
      assert(troubles.length > 3)
      await run(node!.listen())
    },
  )
})

test('a broker that is away for a moment now and then is borne with for ever', async () => {
  await play({ kafka: { retryTimeoutMs: 1_000, connectTimeoutMs: 500 } }, async ({ cluster, engine, take, run }) => {
    const e = engine({ retryForMs: 10_000 })
    e.assign([t0])
    for (let outage = 0; outage < 4; outage++) {
      append(cluster, 'a')
      await take(e, 1)
      await run(cluster.nodes[0]!.stop())
      await run(e.poll(4_000))
      await run(cluster.nodes[0]!.listen())
    }
    append(cluster, 'b')
    assert.deepEqual(await take(e, 1), ['4=b'])
  })
})

test('a broker that comes back in time is gone on with', async () => {
  await play({ kafka: { retryTimeoutMs: 1_000 } }, async ({ cluster, engine, take, run }) => {
    append(cluster, 'a')
    const e = engine()
    e.assign([t0])
    await take(e, 1)
    await run(cluster.nodes[0]!.stop())
    await run(e.poll(5_000))
    await run(cluster.nodes[0]!.listen())
    append(cluster, 'b')
    assert.deepEqual(await take(e, 1), ['1=b'])
  })
})
