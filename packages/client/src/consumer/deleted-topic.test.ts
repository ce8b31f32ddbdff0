/** What becomes of a consumer whose topic is deleted, or made again with fewer partitions, in simulated time. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCodes, OffsetCommit, type Request } from '@odradek/protocol'
import { append, play, type Scene, t0 } from '../testing/engine-scene.ts'

const t1 = { topic: 't', partition: 1 }

/** Commits are accepted for what exists, as coordinators do it. */
function knowTopics({ cluster, answers }: Scene): void {
  cluster.on(OffsetCommit, (request: Request<typeof OffsetCommit>) => ({
    topics: request.topics.map(({ name, topicId, partitions }) => {
      const known = name ? cluster.topics.get(name) : [...cluster.topics.values()].find(t => t.topicId === topicId)
      return {
        name,
        topicId,
        partitions: partitions.map(({ partitionIndex, committedOffset }) => {
          const exists = known !== undefined && partitionIndex < known.partitions.length
          if (exists) answers.committed.set(`g/t-${partitionIndex}`, committedOffset)
          const unknown = name ? ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION : ErrorCodes.UNKNOWN_TOPIC_ID
          return { partitionIndex, errorCode: exists ? 0 : unknown }
        }),
      }
    }),
  }))
}

/** Fewer partitions, and the same topic id, so that the rest of it stays what it was. */
function shrink({ cluster }: Scene): void {
  const topic = cluster.topics.get('t')!
  topic.partitions.length = 1
  topic.leaders.length = 1
}

test('the offset of a partition that is gone is dropped, the others are committed', async () => {
  await play({ topics: { t: 2 } }, async scene => {
    const { answers, cluster, engine, run, world } = scene
    knowTopics(scene)
    const e = engine({ group: 'g' })
    e.assign([t0, t1])
    await run(e.poll(1_000))
    shrink(scene)
    const before = world.clock.monotonic()
    await run(
      e.commit([
        { ...t0, offset: 3 },
        { ...t1, offset: 4 },
      ]),
    )
    assert.ok(world.clock.monotonic() - before < 1_000)
    assert.deepEqual([[...answers.committed], cluster.count(OffsetCommit)], [[['g/t-0', 3]], 1])
  })
})

test('an offset of a topic that was made anew is dropped', async () => {
  await play({}, async scene => {
    knowTopics(scene)
    const { answers, cluster, engine, run, world } = scene
    const e = engine({ group: 'g' })
    e.assign([t0])
    await run(e.poll(1_000))
    cluster.addTopic('t', 1)
    const before = world.clock.monotonic()
    await run(e.commit([{ ...t0, offset: 3 }]))
    assert.ok(world.clock.monotonic() - before < 1_000)
    assert.equal(answers.committed.size, 0)
  })
})

test('a commit to a place that is not read and does not exist fails', async () => {
  await play({}, async scene => {
    knowTopics(scene)
    const e = scene.engine({ group: 'g' })
    e.assign([t0])
    const nowhere = { topic: 'nowhere', partition: 0, offset: 1 }
    await assert.rejects(scene.run(e.commit([nowhere])), { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
  })
})

test('a commit that a coordinator refuses while metadata still has the partition is made again', async () => {
  await play({}, async scene => {
    const { answers, cluster, engine, run } = scene
    const e = engine({ group: 'g' })
    e.assign([t0])
    cluster.once(OffsetCommit, ({ topics: [t] }) => ({
      topics: [{ ...t!, partitions: [{ partitionIndex: 0, errorCode: ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION }] }],
    }))
    await run(e.commit([{ ...t0, offset: 3 }]))
    assert.equal(answers.committed.get('g/t-0'), 3)
  })
})

test('a consumer whose topic is made again with fewer partitions reads on at once', async () => {
  await play({ topics: { t: 2 } }, async scene => {
    const { cluster, kafka, run, world } = scene
    knowTopics(scene)
    append(cluster, 'a')
    append(cluster, 'b', 1)
    const seen: string[] = []
    const consumer = kafka.consumer({ group: 'g', topics: ['t'], from: 'earliest', metadataMaxAgeMs: 1_000 })
    const loop = (async () => {
      for await (const { value } of consumer) seen.push(String(value))
    })()
    await world.clock.runUntil(() => seen.length === 2)
    shrink(scene)
    append(cluster, 'c')
    const before = world.clock.monotonic()
    await world.clock.runUntil(() => seen.length === 3 && consumer.assignment().length === 1)
    assert.ok(world.clock.monotonic() - before < 10_000)
    await run(consumer.close())
    await loop
  })
})

test('a revoke waits a few seconds for a commit that gets nowhere, not a minute', async () => {
  await play({ topics: { t: 2 } }, async scene => {
    const { cluster, kafka, run, world } = scene
    append(cluster, 'a', 1)
    const seen: string[] = []
    const consumer = kafka.consumer({ group: 'g', topics: ['t'], from: 'earliest', metadataMaxAgeMs: 1_000 })
    const loop = (async () => {
      for await (const { value } of consumer) seen.push(String(value))
    })()
    await world.clock.runUntil(() => seen.length === 1 && consumer.lag().every(({ lag }) => lag === 0))
    cluster.on(OffsetCommit, request => ({
      topics: request.topics.map(topic => ({
        ...topic,
        partitions: topic.partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          errorCode: ErrorCodes.COORDINATOR_LOAD_IN_PROGRESS,
        })),
      })),
    }))
    shrink(scene)
    const before = world.clock.monotonic()
    await world.clock.runUntil(() => consumer.assignment().length === 1)
    assert.ok(world.clock.monotonic() - before < 15_000)
    await run(consumer.close({ signal: AbortSignal.abort() }))
    await loop
  })
})

test('closing a consumer whose topic was deleted takes no time', async () => {
  await play({}, async scene => {
    const { cluster, kafka, run, world } = scene
    knowTopics(scene)
    append(cluster, 'a')
    append(cluster, 'b')
    const seen: string[] = []
    const consumer = kafka.consumer({ group: 'g', topics: ['t'], from: 'earliest', commit: { every: 60_000 } })
    const loop = (async () => {
      for await (const { value } of consumer) seen.push(String(value))
    })()
    await world.clock.runUntil(() => seen.length === 2)
    cluster.topics.delete('t')
    const before = world.clock.monotonic()
    await run(consumer.close())
    assert.ok(world.clock.monotonic() - before < 2_000)
    await loop
  })
})
