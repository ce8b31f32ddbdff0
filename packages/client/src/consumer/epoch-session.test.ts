import assert from 'node:assert/strict'
import { channel } from 'node:diagnostics_channel'
import { test } from 'node:test'
import { ConsumerGroupHeartbeat, ErrorCodes, JoinGroup, OffsetCommit, OffsetFetch } from '@odradek/protocol'
import { append, play, t0 } from '../testing/engine-scene.ts'
import { EpochGroup } from '../testing/epoch-group.ts'
import type { EngineHooks } from './engine.ts'

const two = { topics: { t: 2 } }

/** Hooks that note what they are told. */
function noting(): { told: string[]; hooks: EngineHooks } {
  const told: string[] = []
  const note = (what: string) => (partitions: readonly { partition: number }[]) => {
    told.push(`${what}${partitions.map(at => at.partition).join(',')}`)
  }
  return { told, hooks: { onAssigned: note('+'), onRevoked: note('-'), onLost: note('lost ') } }
}

async function chosen(run: () => Promise<void>): Promise<string[]> {
  const said: string[] = []
  const hear = (message: unknown) => {
    const { protocol, reason } = message as { protocol: string; reason: string }
    said.push(`${protocol}: ${reason}`)
  }
  channel('odradek:consumer:protocol').subscribe(hear)
  try {
    await run()
  } finally {
    channel('odradek:consumer:protocol').unsubscribe(hear)
  }
  return said
}

test('a member joins with everything there is to say, then says only what is new, and leaves', async () => {
  await play(two, async ({ cluster, engine, run, world }) => {
    const group = new EpochGroup(cluster, [0, 1])
    const { told, hooks } = noting()
    const e = engine({ group: 'g', hooks, rackId: 'r' })
    e.subscribe(['t'])
    await run(e.poll(3_000))
    await world.clock.advance(2_500)
    const [first, second, third] = group.heard
    const said = ({
      memberEpoch,
      subscribedTopicNames,
      topicPartitions,
      rebalanceTimeoutMs,
      rackId,
    }: typeof first & {}) => [
      memberEpoch,
      subscribedTopicNames,
      topicPartitions?.map(({ partitions }) => partitions) ?? null,
      rebalanceTimeoutMs,
      rackId,
    ]
    assert.deepEqual(said(first!), [0, ['t'], [], 300_000, 'r'])
    assert.deepEqual(said(second!), [1, null, [[0, 1]], -1, null], 'the assignment is acknowledged')
    assert.deepEqual(said(third!), [1, null, null, -1, null])
    assert.equal(new Set(group.heard.map(({ memberId }) => memberId)).size, 1)
    await run(e.close())
    assert.deepEqual([told, group.epochs.at(-1)], [['+0,1', '-0,1'], -1])
  })
})

test('a revocation is acknowledged after its hook, which runs under poll; the partition that stays is not touched', async () => {
  await play(two, async ({ cluster, engine, run, world }) => {
    const group = new EpochGroup(cluster, [0, 1])
    const { told, hooks } = noting()
    const e = engine({ group: 'g', hooks })
    e.subscribe(['t'])
    await run(e.poll(3_000))
    group.assign(1)
    await world.clock.advance(3_000)
    const owned = () => group.heard.findLast(({ topicPartitions }) => topicPartitions)?.topicPartitions?.[0]?.partitions
    assert.deepEqual([owned(), e.wantsPoll], [[0, 1], true])
    await run(e.poll(100))
    await world.clock.advance(100)
    assert.deepEqual([owned(), told, e.membership().generation], [[1], ['+0,1', '-0'], 2])
  })
})

test('a static member leaves for a while', async () => {
  await play({}, async ({ cluster, engine, run }) => {
    const group = new EpochGroup(cluster)
    const e = engine({ group: 'g', groupInstanceId: 'one' })
    e.subscribe(['t'])
    await run(e.poll(3_000))
    await run(e.close())
    assert.deepEqual([group.epochs.at(-1), group.heard.at(-1)!.instanceId], [-2, 'one'])
  })
})

test('a static member whose former self has not been forgotten yet waits for that', async () => {
  await play({}, async ({ cluster, engine, run }) => {
    const group = new EpochGroup(cluster)
    for (let i = 0; i < 3; i++) group.refuseOnce(ErrorCodes.UNRELEASED_INSTANCE_ID)
    const { told, hooks } = noting()
    const e = engine({ group: 'g', groupInstanceId: 'one', hooks })
    e.subscribe(['t'])
    await run(e.poll(10_000))
    assert.deepEqual(told, ['+0'])
  })
})

test('a fenced member tells what it has lost, joins anew and reads on from what was committed', async () => {
  await play({}, async ({ cluster, engine, run, take, world }) => {
    const group = new EpochGroup(cluster)
    append(cluster, 'a')
    append(cluster, 'b')
    const { told, hooks } = noting()
    const e = engine({ group: 'g', hooks })
    e.subscribe(['t'])
    assert.deepEqual(await take(e, 2), ['0=a', '1=b'])
    await run(e.commit([{ ...t0, offset: 1 }]))
    group.fenceOnce()
    await world.clock.advance(1_500)
    assert.deepEqual(told, ['+0'], 'hooks wait for the poll')
    await assert.rejects(run(e.commit([{ ...t0, offset: 2 }])), { code: 'ILLEGAL_GENERATION' })
    assert.deepEqual(await take(e, 1), ['1=b'])
    assert.deepEqual(told, ['+0', 'lost 0', '+0'])
    assert.deepEqual(group.epochs.filter(epoch => epoch === 0).length, 2)
  })
})

test('an answer that is lost makes the next heartbeat say everything', async () => {
  await play({ kafka: { requestTimeoutMs: 2_000 } }, async ({ cluster, engine, run, world }) => {
    const group = new EpochGroup(cluster)
    const e = engine({ group: 'g' })
    e.subscribe(['t'])
    await run(e.poll(3_000))
    cluster.once(ConsumerGroupHeartbeat, () => 'hang-up')
    const before = group.heard.length
    await world.clock.advance(3_000)
    const next = group.heard[before]!
    assert.deepEqual([next.memberEpoch, next.subscribedTopicNames], [1, ['t']])
    assert.deepEqual(next.topicPartitions![0]!.partitions, [0])
    assert.equal(e.health().state, 'running')
  })
})

test('a commit with an epoch that has passed is made again with the next', async () => {
  await play({}, async ({ cluster, answers, engine, run }) => {
    const group = new EpochGroup(cluster)
    const e = engine({ group: 'g' })
    e.subscribe(['t'])
    await run(e.poll(3_000))
    const epochs: number[] = []
    cluster.once(OffsetCommit, ({ generationIdOrMemberEpoch: epoch, topics }) => {
      epochs.push(epoch)
      group.epoch++
      const refused = { partitionIndex: 0, errorCode: ErrorCodes.STALE_MEMBER_EPOCH }
      return { topics: topics.map(({ name, topicId }) => ({ name, topicId, partitions: [refused] })) }
    })
    await run(e.commit([{ ...t0, offset: 5 }]))
    const last = cluster.seen.findLast(({ api }) => api === OffsetCommit.name)!.request
    assert.deepEqual([epochs, last.generationIdOrMemberEpoch, answers.committed.get('g/t-0')], [[1], 2, 5])
  })
})

test('committed offsets are asked for as the member that asks', async () => {
  await play({}, async ({ cluster, engine, run }) => {
    new EpochGroup(cluster)
    const e = engine({ group: 'g' })
    e.subscribe(['t'])
    await run(e.poll(3_000))
    await run(e.poll(1_000))
    const asked = cluster.seen.find(({ api }) => api === OffsetFetch.name)!.request.groups[0]
    assert.deepEqual([asked.memberId, asked.memberEpoch], [e.membership().memberId, 1])
  })
})

test('whoever is not polled in time leaves, and joins anew with the next poll', async () => {
  await play({}, async ({ cluster, engine, run, world }) => {
    const group = new EpochGroup(cluster)
    const { told, hooks } = noting()
    const e = engine({ group: 'g', hooks, maxPollIntervalMs: 10_000 })
    e.subscribe(['t'])
    await run(e.poll(3_000))
    await world.clock.advance(11_000)
    assert.deepEqual([e.health().state, group.epochs.at(-1)], ['stalled', -1])
    for (let i = 0; i < 3; i++) await run(e.poll(1_000))
    assert.deepEqual(told, ['+0', 'lost 0', '+0'])
  })
})

for (const [name, code] of [
  ['a group that is classic and stays so', ErrorCodes.GROUP_ID_NOT_FOUND],
  ['members that cannot be converted', ErrorCodes.INCONSISTENT_GROUP_PROTOCOL],
  ['a cluster that has not switched the feature on', ErrorCodes.UNSUPPORTED_VERSION],
] as const) {
  test(`with ${name} the member is classic, and says so`, async () => {
    await play({}, async ({ cluster, engine, take }) => {
      append(cluster, 'a')
      const group = new EpochGroup(cluster)
      group.refuseOnce(code)
      const said = await chosen(async () => {
        const e = engine({ group: 'g' })
        e.subscribe(['t'])
        assert.deepEqual(await take(e, 1), ['0=a'])
        assert.deepEqual([e.health().state, cluster.count(JoinGroup)], ['running', 2])
      })
      const reason = Object.entries(ErrorCodes).find(([, value]) => value === code)![0]
      assert.deepEqual(said, ['consumer: the broker offers it', `classic: ${reason}`])
    })
  })
}

test('a broker that does not offer the protocol is not asked for it', async () => {
  await play({}, async ({ cluster, engine, take }) => {
    append(cluster, 'a')
    const said = await chosen(async () => {
      const e = engine({ group: 'g' })
      e.subscribe(['t'])
      assert.deepEqual(await take(e, 1), ['0=a'])
    })
    assert.deepEqual(said, ['classic: the broker does not offer the consumer protocol'])
    assert.equal(cluster.count(ConsumerGroupHeartbeat), 0)
  })
})

test('whoever insists on the protocol is told that it cannot be had', async () => {
  await play({}, async ({ engine, run }) => {
    const e = engine({ group: 'g', groupProtocol: 'consumer' })
    e.subscribe(['t'])
    await assert.rejects(run(e.poll(3_000)), { code: 'UNSUPPORTED_VERSION', message: /groupProtocol/ })
  })
})

test('options that only one protocol has choose it, and contradict the other', async () => {
  await play({}, async ({ cluster, engine, take }) => {
    append(cluster, 'a')
    new EpochGroup(cluster)
    const e = engine({ group: 'g', sessionTimeoutMs: 20_000 })
    e.subscribe(['t'])
    assert.deepEqual(await take(e, 1), ['0=a'])
    assert.equal(cluster.count(ConsumerGroupHeartbeat), 0)
    const both = { group: 'g', groupProtocol: 'consumer', heartbeatIntervalMs: 5 } as const
    assert.throws(() => engine(both), { code: 'USAGE', message: /heartbeatIntervalMs/ })
    const other = { group: 'g', groupProtocol: 'classic', serverAssignor: 'range' } as const
    assert.throws(() => engine(other), { code: 'USAGE', message: /serverAssignor/ })
  })
})

test('an expression goes to brokers that match it themselves, in their words; elsewhere names are matched here', async () => {
  for (const [max, regex, names] of [
    [1, '(?i).*(?:^T$).*', []],
    [0, null, ['t']],
  ] as const) {
    await play({ topics: { t: 1, other: 1 } }, async ({ cluster, engine, run }) => {
      const group = new EpochGroup(cluster, [0], [0, max])
      const e = engine({ group: 'g' })
      e.subscribe(/^T$/i)
      await run(e.poll(3_000))
      const { subscribedTopicNames, subscribedTopicRegex } = group.heard[0]!
      assert.deepEqual([subscribedTopicRegex, subscribedTopicNames], [regex, names])
    })
  }
})

test('an expression that the broker does not understand is matched here', async () => {
  await play({}, async ({ cluster, engine, run }) => {
    const group = new EpochGroup(cluster)
    group.refuseOnce(ErrorCodes.INVALID_REGULAR_EXPRESSION)
    const e = engine({ group: 'g' })
    e.subscribe(/^(?!u)/)
    await run(e.poll(3_000))
    const { subscribedTopicNames, subscribedTopicRegex } = group.heard[1]!
    assert.deepEqual([subscribedTopicRegex, subscribedTopicNames], [null, ['t']])
  })
})

test('classic members find topics by expression, those to come too', async () => {
  await play({ topics: { a1: 1, b: 1 } }, async ({ cluster, engine, run }) => {
    const e = engine({ group: 'g', groupProtocol: 'classic', metadataMaxAgeMs: 1_000 })
    e.subscribe(/^a/)
    await run(e.poll(3_000))
    cluster.addTopic('a2', 1)
    for (let i = 0; i < 5; i++) await run(e.poll(1_000))
    assert.deepEqual(
      e.assignment().map(at => at.topic),
      ['a1', 'a2'],
    )
  })
})
