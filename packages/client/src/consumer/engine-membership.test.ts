/** How the engine lives in a group whose coordinator misbehaves, in simulated time. */
import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test } from 'node:test'
import {
  ErrorCodes,
  FindCoordinator,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  OffsetCommit,
  OffsetFetch,
  SyncGroup,
} from '@odradek/protocol'
import { sleep } from '@odradek/world'
import { append, play, t0 } from '../testing/engine-scene.ts'

test('heartbeats go on while nobody polls (kafkajs#375, confluent#472)', async () => {
  await play({}, async ({ cluster, engine, run, world }) => {
    const e = engine({ group: 'g' })
    e.subscribe(['t'])
    await run(e.poll(2_000))
    const before = cluster.count(Heartbeat)
    await world.clock.advance(60_000)
    assert(cluster.count(Heartbeat) - before >= 19)
    assert.equal(cluster.count(JoinGroup), 2, 'one for the member id, one to join')
  })
})

test('whoever is not polled for too long stalls, leaves, and joins again when it is polled', async () => {
  await play({}, async ({ cluster, engine, run, world }) => {
    const told: string[] = []
    const stalls: any[] = []
    const note = (message: any) => stalls.push(message)
    subscribe('odradek:consumer:stalled', note)
    const hooks = {
      onAssigned: () => void told.push('+'),
      onLost: () => void told.push('lost'),
      onDoomed: () => void told.push('doomed'),
    }
    const e = engine({ group: 'g', maxPollIntervalMs: 30_000, hooks })
    e.subscribe(['t'])
    await run(e.poll(2_000))
    await world.clock.advance(31_000)
    unsubscribe('odradek:consumer:stalled', note)
    assert.deepEqual([e.health().state, stalls.length, cluster.count(LeaveGroup)], ['stalled', 1, 1])
    for (let i = 0; i < 3; i++) await run(e.poll(1_000))
    assert.deepEqual([e.health().state, told], ['running', ['+', 'doomed', 'lost', '+']])
  })
})

test('a coordinator that says it is none is looked for again (platformatic #291)', async () => {
  await play({}, async ({ cluster, engine, run, world }) => {
    const e = engine({ group: 'g' })
    e.subscribe(['t'])
    await run(e.poll(2_000))
    const before = cluster.count(FindCoordinator)
    cluster.once(Heartbeat, () => ({ errorCode: ErrorCodes.NOT_COORDINATOR }))
    await world.clock.advance(10_000)
    assert.equal(cluster.count(FindCoordinator), before + 1)
    cluster.once(OffsetCommit, () => commitRefused(ErrorCodes.NOT_COORDINATOR))
    await run(e.commit([{ ...t0, offset: 1 }]))
    assert.equal(cluster.count(FindCoordinator), before + 2)
    assert.equal(e.health().state, 'running')
  })
})

const commitRefused = (errorCode: number) => ({
  topics: [{ name: 't', partitions: [{ partitionIndex: 0, errorCode }] }],
})

test('a commit waits out a rebalance and is made in the generation that follows', async () => {
  await play({}, async ({ cluster, answers, engine, run }) => {
    const e = engine({ group: 'g' })
    e.subscribe(['t'])
    await run(e.poll(2_000))
    cluster.once(OffsetCommit, () => commitRefused(ErrorCodes.REBALANCE_IN_PROGRESS))
    await run(e.commit([{ ...t0, offset: 5 }]))
    assert.equal(answers.committed.get('g/t-0'), 5)
    const generations = cluster.seen
      .filter(({ api }) => api === 'OffsetCommit')
      .map(({ request }) => request.generationIdOrMemberEpoch)
    assert.deepEqual(generations, [1, 2])
  })
})

test('a commit in a generation that has passed fails, loses the partitions and joins again (platformatic #268)', async () => {
  await play({}, async ({ cluster, engine, run }) => {
    const told: string[] = []
    const hooks = { onLost: () => void told.push('lost'), onAssigned: () => void told.push('+') }
    const e = engine({ group: 'g', hooks })
    e.subscribe(['t'])
    await run(e.poll(2_000))
    cluster.once(OffsetCommit, () => commitRefused(ErrorCodes.ILLEGAL_GENERATION))
    await assert.rejects(run(e.commit([{ ...t0, offset: 5 }])), {
      code: 'ILLEGAL_GENERATION',
      message: /processed again/,
    })
    for (let i = 0; i < 3; i++) await run(e.poll(1_000))
    assert.deepEqual([told, e.membership().generation], [['+', 'lost', '+'], 2])
    await run(e.commit([{ ...t0, offset: 5 }]))
  })
})

test('a commit that was under way when the partitions were lost is not made again by the member that came after', async () => {
  await play({ kafka: { requestTimeoutMs: 10_000 } }, async ({ cluster, answers, engine, run, world }) => {
    const e = engine({ group: 'g' })
    e.subscribe(['t'])
    await run(e.poll(2_000))
    cluster.once(OffsetCommit, () => 'silence')
    const committing = e.commit([{ ...t0, offset: 5 }])
    committing.catch(() => {}) // looked at below
    cluster.once(Heartbeat, () => ({ errorCode: ErrorCodes.UNKNOWN_MEMBER_ID }))
    await world.clock.advance(4_000)
    for (let i = 0; i < 3; i++) await run(e.poll(1_000))
    assert.deepEqual([e.health().state, e.membership().generation], ['running', 2])
    await assert.rejects(run(committing), { code: 'ILLEGAL_GENERATION' })
    assert.deepEqual([cluster.count(OffsetCommit), answers.committed.size], [1, 0])
  })
})

test('a fatal refusal ends the iteration with its error, and the partitions are told lost (confluent#497)', async () => {
  await play({}, async ({ cluster, kafka, run, world }) => {
    const told: string[] = []
    const consumer = kafka.consumer({
      group: 'g',
      topics: ['t'],
      onAssigned: () => void told.push('+'),
      onLost: () => void told.push('lost'),
    })
    const loop = (async () => {
      for await (const record of consumer) assert.fail(`${record.offset}`)
    })()
    loop.catch(() => {}) // awaited below
    await world.clock.runUntil(() => told.length === 1)
    cluster.on(Heartbeat, () => ({ errorCode: ErrorCodes.GROUP_AUTHORIZATION_FAILED }))
    await assert.rejects(run(loop), { code: 'GROUP_AUTHORIZATION_FAILED' })
    assert.deepEqual(told, ['+', 'lost'])
    await run(consumer.close())
  })
})

test('a loop that works slowly through many records is not taken for one that has stopped', async () => {
  await play({}, async ({ cluster, kafka, run, world }) => {
    for (let i = 0; i < 40; i++) append(cluster, `${i}`)
    const consumer = kafka.consumer({ group: 'g', topics: ['t'], from: 'earliest', maxPollIntervalMs: 10_000 })
    const loop = (async () => {
      let last = 0
      for await (const record of consumer) {
        await sleep(world.clock, 1_000)
        last = record.offset
        if (last === 39) break
      }
      return last
    })()
    assert.equal(await run(loop), 39)
    assert.deepEqual([cluster.count(JoinGroup), cluster.count(LeaveGroup)], [2, 0])
    await run(consumer.close())
  })
})

test('a run whose handlers all hang stalls, and gives its partitions to others', async () => {
  await play({}, async ({ cluster, kafka, run, world }) => {
    for (let i = 0; i < 4; i++) append(cluster, `${i}`)
    const consumer = kafka.consumer({ group: 'g', topics: ['t'], from: 'earliest', maxPollIntervalMs: 20_000 })
    const aborted: unknown[] = []
    const running = consumer.run((_, { signal }) => {
      return new Promise<void>(() => signal.addEventListener('abort', () => aborted.push(signal.reason)))
    })
    await world.clock.advance(70_000)
    assert.deepEqual([consumer.health().state, cluster.count(LeaveGroup), aborted.length], ['stalled', 1, 1])
    assert.match(String(aborted[0]), /t-0 was lost/)
    await run(consumer.close())
    await run(running)
  })
})

test('the signal of a record aborts as soon as its partition is known to be lost', async () => {
  await play({}, async ({ cluster, kafka, run, world }) => {
    append(cluster, 'a')
    const consumer = kafka.consumer({ group: 'g', topics: ['t'], from: 'earliest' })
    const loop = (async () => {
      for await (const record of consumer) {
        if (record.signal.aborted) continue
        cluster.once(Heartbeat, () => ({ errorCode: ErrorCodes.UNKNOWN_MEMBER_ID }))
        await new Promise(resolve => record.signal.addEventListener('abort', resolve))
        return record.signal.reason
      }
    })()
    assert.match(String(await run(loop)), /t-0 was lost/)
    assert.equal(world.clock.monotonic() < 30_000, true)
    await run(consumer.close())
  })
})

test('a group that may not be joined ends the engine at once', async () => {
  await play({}, async ({ cluster, engine, take }) => {
    cluster.on(JoinGroup, () => ({
      ...{
        errorCode: ErrorCodes.GROUP_AUTHORIZATION_FAILED,
        generationId: -1,
        protocolName: '',
        leader: '',
        memberId: '',
        members: [],
      },
    }))
    const e = engine({ group: 'g' })
    e.subscribe(['t'])
    await assert.rejects(take(e, 1), { code: 'GROUP_AUTHORIZATION_FAILED' })
  })
})

test('offsets that a transaction may still change are waited for', async () => {
  await play({}, async ({ cluster, engine, take }) => {
    append(cluster, 'a')
    cluster.once(OffsetFetch, ({ groups }) => ({
      groups: groups.map(({ groupId, topics }) => ({
        groupId,
        topics: topics!.map(({ topicId, name }) => ({
          name,
          topicId,
          partitions: [
            { partitionIndex: 0, committedOffset: -1, metadata: '', errorCode: ErrorCodes.UNSTABLE_OFFSET_COMMIT },
          ],
        })),
      })),
    }))
    const e = engine({ group: 'g' })
    e.subscribe(['t'])
    assert.deepEqual(await take(e, 1), ['0=a'])
  })
})

test('a hook that throws ends the engine with its error', async () => {
  await play({}, async ({ engine, take }) => {
    const e = engine({ group: 'g', hooks: { onAssigned: () => Promise.reject(new Error('no disk')) } })
    e.subscribe(['t'])
    await assert.rejects(take(e, 1), /no disk/)
  })
})

test('records are not handed out before the hook for their partition has run', async () => {
  await play({}, async ({ cluster, engine, run, world }) => {
    append(cluster, 'a')
    const gate = Promise.withResolvers<void>()
    const e = engine({ group: 'g', hooks: { onAssigned: () => gate.promise } })
    e.subscribe(['t'])
    let polled = false
    const polling = e.poll(1_000).finally(() => {
      polled = true
    })
    await world.clock.advance(20_000)
    assert.equal(polled, false)
    gate.resolve()
    await run(polling)
    assert.equal(cluster.count(SyncGroup), 1)
  })
})

test('misuse is told in a sentence', async () => {
  await play({}, async ({ kafka, engine }) => {
    assert.throws(() => engine().subscribe(['t']), { code: 'USAGE', message: /`group`/ })
    assert.throws(() => engine({ group: '' }), { code: 'USAGE' })
    assert.throws(() => engine({ group: 'g', sessionTimeoutMs: 4_000 }), { message: /half of sessionTimeoutMs/ })
    assert.throws(() => engine().position(t0), { message: /not assigned/ })
    assert.throws(() => kafka.consumer({ topics: ['t'] }), { message: /kafka\.read/ })
    assert.throws(() => kafka.consumer({ group: 'g', topics: [] }), { message: /`topics` is missing/ })
    assert.throws(() => kafka.consumer({ group: 'g', topics: ['t', 't'] }), { message: /twice/ })
  })
})
