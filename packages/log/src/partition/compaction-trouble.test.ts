import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulatedWorld } from '@odradek/world'
import { readCleanedOffset, writeCleanedOffset } from '../compaction/cleaned-offset.ts'
import { EmbeddedEngine } from '../embedded-engine.ts'
import type { LogConfig } from '../engine.ts'
import { topicOf } from '../testing/batches.ts'
import { committedView } from '../testing/committed-view.ts'
import { keyedBatch } from '../testing/keyed-batches.ts'
import { notes } from '../testing/notes.ts'
import { SimulatedNode } from '../testing/simulated-node.ts'

const look = 16_000
const folder = '/data/orders-0'
const config: Partial<LogConfig> = { cleanupPolicy: ['compact'], segmentBytes: 400, minCleanableDirtyRatio: 0.1 }
const compacted = 'compacted a log'

async function fill(node: SimulatedNode): Promise<void> {
  for (let i = 0; i < 10; i++) {
    const records = [{ key: `k${i % 2}`, value: `${i} ${'.'.repeat(100)}` }]
    assert.ok((await node.append(keyedBatch({ records, timestamp: node.world.clock.now() }))).ok)
  }
}

const count = (lines: readonly string[], message: string) => lines.filter(line => line.startsWith(message)).length

async function compactedOnce(): Promise<SimulatedNode> {
  const node = new SimulatedNode(config, { tailBytes: 0 })
  await node.start()
  await fill(node)
  await node.world.clock.advance(look)
  assert.equal(count(node.notes.lines, compacted), 1)
  return node
}

test('when it cannot be read how far a log was compacted, all of it is gone over', async () => {
  const node = await compactedOnce()
  await node.kill()
  await fill(node)
  const takeBack = node.disk.fail({ on: 'read', code: 'EIO', path: 'cleaned-offset' })
  await node.world.clock.advance(look)
  takeBack()
  assert.equal(count(node.notes.lines, 'cannot read how far a log was compacted'), 1)
  assert.equal(count(node.notes.lines, compacted), 1)
  await fill(node)
  await node.world.clock.advance(10 * look)
  assert.ok(count(node.notes.lines, compacted) > 1)
})

test('a cleaned offset that is not of this topic, or is past the last segment, counts as none', async () => {
  const { topicId } = topicOf(config)
  const other = '7c1d2f6a-55e0-4f0b-9a63-0d6f9f1e2b02'
  const wrong = [
    { topicId, offset: 1_000_000 },
    { topicId: other, offset: 9 },
  ]
  for (const cleaned of wrong) {
    const node = await compactedOnce()
    await node.kill()
    await node.settle(writeCleanedOffset(node.disk, folder, cleaned))
    assert.equal(await node.settle(readCleanedOffset(node.disk, folder, cleaned.topicId)), cleaned.offset)
    await fill(node)
    await node.world.clock.advance(look)
    assert.equal(count(node.notes.lines, compacted), 1)
    assert.ok((await node.settle(committedView(node.engine, 1))).length < 6)
  }
})

/** A log of sixty records of 300 bytes, of which a pass that takes its time has begun. */
async function slowPass(changes: Partial<LogConfig>, bytesPerSecond = 2_000) {
  const world = simulatedWorld({ seed: 3 })
  const { clock, disk } = world.machine('m').boot()
  const logger = notes()
  const pace = { bytesPerSecond }
  const finish = <T>(promise: Promise<T>) => world.clock.finish(promise)
  const limits = { journalBytes: 0, tailBytes: 0 }
  const engine = await finish(
    EmbeddedEngine.start({ clock, disk, folder: '/data', leaderEpoch: 0, logger, limits, cleaner: () => pace }),
  )
  const topic = topicOf({ segmentBytes: 2_000, minCleanableDirtyRatio: 0.01, fileDeleteDelayMs: 0, ...changes })
  await finish(engine.open(topic))
  const put = async (key: string, value: string | null) => {
    const batch = keyedBatch({ records: [{ key, value }], timestamp: world.clock.now() })
    const [answer] = await finish(engine.append([batch], { acks: -1, deadline: Number.POSITIVE_INFINITY }))
    assert.ok(answer!.ok)
  }
  const fillUp = async () => {
    for (let i = 0; i < 60; i++) await put(`k${i % 5}`, '.'.repeat(300))
  }
  await fillUp()
  await world.clock.advance(16_500)
  return { world, disk, logger, pace, engine, topic, finish, put, fillUp }
}

test('what DeleteRecords takes from under a pass ends the pass, and the next one comes soon', async () => {
  const { world, logger, pace, engine, finish } = await slowPass({ cleanupPolicy: ['compact', 'delete'] })
  const [trimmed] = await finish(engine.trim([{ partition: 1, before: 45 }]))
  assert.ok(trimmed!.ok)
  pace.bytesPerSecond = Number.POSITIVE_INFINITY
  await world.clock.advance(60_000)
  assert.equal(count(logger.lines, 'a log changed while it was compacted'), 1, logger.lines.join('\n'))
  assert.equal(count(logger.lines, 'cannot compact'), 0)
  assert.equal(count(logger.lines, compacted), 1)
})

const next = '7c1d2f6a-55e0-4f0b-9a63-0d6f9f1e2b02'
const ofPasses = (names: readonly string[]) => names.filter(name => /clean|swap/.test(name))

test('a topic that is deleted ends the pass over it at once: others need not wait for what is left of it', async () => {
  // Ten bytes a second: the pass would go on for an hour.
  const { world, disk, logger, pace, engine, topic, finish, fillUp } = await slowPass(
    { cleanupPolicy: ['compact'] },
    10,
  )
  await finish(engine.drop(topic.topicId))
  pace.bytesPerSecond = Number.POSITIVE_INFINITY
  await finish(engine.open({ ...topic, topicId: next }))
  assert.deepEqual(ofPasses(await disk.list(folder).catch(() => [])), [])
  await fillUp()
  await world.clock.advance(20_000)
  assert.equal(count(logger.lines, compacted), 1)
})

test('that a log is not compacted because of damage is said once', async () => {
  const node = await compactedOnce()
  await fill(node)
  const name = (await node.names()).filter(name => name.endsWith('.log')).at(-2)!
  await node.edit(`orders-0/${name}`, bytes => bytes.with(90, bytes[90]! ^ 1))
  await node.read(Number(name.slice(0, 20)))
  await node.world.clock.advance(10 * look)
  assert.equal(count(node.notes.lines, 'a log is not compacted while a range of it is in quarantine'), 1)
})
