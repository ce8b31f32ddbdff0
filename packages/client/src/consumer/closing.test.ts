/** How long a consumer takes to close when its cluster does not help, in simulated time. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FindCoordinator, LeaveGroup, OffsetCommit } from '@odradek/protocol'
import { append, play, type Scene } from '../testing/engine-scene.ts'
import type { Consumer } from './consumer.ts'

/** A consumer that has processed a record and not committed it, and what it takes to end its loop. */
async function reading(
  { cluster, kafka, world }: Scene,
  told: string[] = [],
): Promise<{ consumer: Consumer<'t'>; loop: Promise<void> }> {
  append(cluster, 'a')
  append(cluster, 'b')
  let seen = 0
  const onRevoked = () => void told.push('revoked')
  const consumer = kafka.consumer({
    group: 'g',
    topics: ['t'],
    from: 'earliest',
    commit: { every: 600_000 },
    onRevoked,
  })
  const loop = (async () => {
    for await (const record of consumer) if (record.offset >= 0) seen++
  })()
  await world.clock.runUntil(() => seen === 2)
  return { consumer, loop }
}

test('closing commits once and leaves', async () => {
  await play({}, async scene => {
    const told: string[] = []
    const { consumer, loop } = await reading(scene, told)
    await scene.run(consumer.close())
    await loop
    const { answers, cluster } = scene
    assert.deepEqual([answers.committed.get('g/t-0'), told], [2, ['revoked']])
    assert.deepEqual([cluster.count(OffsetCommit), cluster.count(LeaveGroup)], [1, 1])
  })
})

test('a consumer whose broker is dead closes within seconds', async () => {
  await play({}, async scene => {
    const told: string[] = []
    const { consumer, loop } = await reading(scene, told)
    await scene.run(scene.cluster.nodes[0]!.stop())
    const before = scene.world.clock.monotonic()
    await scene.run(consumer.close())
    assert.ok(scene.world.clock.monotonic() - before <= 5_000)
    assert.deepEqual(told, ['revoked'])
    await loop
  })
})

test('a consumer whose broker does not answer closes within half a minute', async () => {
  await play({ kafka: { requestTimeoutMs: 20_000 } }, async scene => {
    const { consumer, loop } = await reading(scene)
    scene.cluster.on(OffsetCommit, () => 'silence')
    scene.cluster.on(FindCoordinator, () => 'silence')
    const before = scene.world.clock.monotonic()
    await scene.run(consumer.close())
    const took = scene.world.clock.monotonic() - before
    assert.ok(took > 20_000 && took <= 30_000, `${took}`)
    await loop
  })
})

test('a signal ends the closing, also one that is given later or to the handle', async () => {
  for (const hurry of [
    ({ kafka }: Scene, _: Consumer<'t'>, signal: AbortSignal) => kafka.close({ signal }),
    (_: Scene, consumer: Consumer<'t'>, signal: AbortSignal) => consumer.close({ signal }),
  ]) {
    await play({}, async scene => {
      const { consumer, loop } = await reading(scene)
      scene.cluster.on(OffsetCommit, () => 'silence')
      const closing = consumer.close()
      const before = scene.world.clock.monotonic()
      const stop = new AbortController()
      const hurried = hurry(scene, consumer, stop.signal)
      await scene.world.clock.advance(1_000)
      stop.abort()
      await scene.run(Promise.all([closing, hurried]))
      assert.ok(scene.world.clock.monotonic() - before <= 2_000)
      await loop
    })
  }
})

test('a handler that never ends does not keep a consumer from closing and committing what others have done', async () => {
  await play({ topics: { t: 2 } }, async scene => {
    const { answers, cluster, kafka, run, world } = scene
    append(cluster, 'stuck', 0)
    append(cluster, 'done', 1)
    const consumer = kafka.consumer({ group: 'g', topics: ['t'], from: 'earliest', commit: { every: 600_000 } })
    let done = 0
    const running = consumer.run(
      ({ partition }) => {
        if (partition === 0) return new Promise<never>(() => {})
        return void done++
      },
      { concurrency: 2 },
    )
    await world.clock.runUntil(() => done === 1)
    const before = world.clock.monotonic()
    await run(consumer.close())
    assert.ok(world.clock.monotonic() - before <= 30_000)
    assert.equal(answers.committed.get('g/t-1'), 1)
    await run(running)
  })
})

test('a commit ends when its signal does', async () => {
  await play({}, async scene => {
    const { consumer, loop } = await reading(scene)
    scene.cluster.on(OffsetCommit, () => 'silence')
    const stop = new AbortController()
    const committing = consumer.commit(undefined, { signal: stop.signal })
    stop.abort(new Error('enough'))
    await assert.rejects(scene.run(committing), /enough/)
    await scene.run(consumer.close({ signal: AbortSignal.abort() }))
    await loop
  })
})

test('the commit of a batch ends when its signal does', async () => {
  await play({}, async scene => {
    append(scene.cluster, 'a')
    scene.cluster.on(OffsetCommit, () => 'silence')
    const consumer = scene.kafka.consumer({ group: 'g', topics: ['t'], from: 'earliest', commit: 'manual' })
    const reading = (async () => {
      for await (const batch of consumer.batches())
        return batch.commit({ signal: AbortSignal.abort(new Error('no more of it')) })
    })()
    await assert.rejects(scene.run(reading), /no more of it/)
    await scene.run(consumer.close())
  })
})
