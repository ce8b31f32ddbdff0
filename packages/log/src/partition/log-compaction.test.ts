import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogConfig } from '../engine.ts'
import { topicOf } from '../testing/batches.ts'
import { committedView } from '../testing/committed-view.ts'
import { keyedBatch } from '../testing/keyed-batches.ts'
import { SimulatedNode } from '../testing/simulated-node.ts'

const look = 16_000
const config: Partial<LogConfig> = { cleanupPolicy: ['compact'], segmentBytes: 400, minCleanableDirtyRatio: 0.1 }

async function filled(changes: Partial<LogConfig> = {}): Promise<SimulatedNode> {
  const node = new SimulatedNode({ ...config, ...changes }, { tailBytes: 0 })
  await node.start()
  await fill(node)
  return node
}

/** Ten records of two keys; six segments or so. */
async function fill(node: SimulatedNode, partition = 1): Promise<void> {
  for (let i = 0; i < 10; i++) {
    const records = [{ key: `k${i % 2}`, value: `${i} ${'.'.repeat(100)}` }]
    const answer = await node.append(keyedBatch({ partition, records, timestamp: node.world.clock.now() }))
    assert.ok(answer.ok)
  }
}

const offsets = async (node: SimulatedNode, partition = 1) =>
  (await node.settle(committedView(node.engine, partition))).map(({ offset }) => offset)
const said = (node: SimulatedNode, message: string) => node.notes.lines.filter(line => line.startsWith(message)).length
const all = Array.from({ length: 10 }, (_, i) => i)

test('a log is compacted up to its active segment, and what is gone is skipped by readers', async () => {
  const node = await filled()
  assert.deepEqual(await offsets(node), all)
  await node.world.clock.advance(look)
  const left = await offsets(node)
  assert.ok(left.length < 6 && left.includes(9) && left.includes(8), `${left}`)
  await node.kill()
  assert.deepEqual(await offsets(node), left)
})

test('a full disk ends a pass and harms nothing; a minute later it is tried again', async () => {
  const node = await filled()
  const takeBack = node.disk.fail({ on: 'write', code: 'ENOSPC', times: 1000 })
  await node.world.clock.advance(look)
  assert.equal(said(node, 'could not compact a log'), 1)
  assert.deepEqual((await offsets(node)).slice(-2), [8, 9])
  takeBack()
  await node.world.clock.advance(90_000)
  assert.equal(said(node, 'compacted a log'), 1)
  assert.ok((await offsets(node)).length < 6)
})

test('a damaged batch keeps its log from being compacted, and no other log', async () => {
  const node = await filled()
  await fill(node, 2)
  await node.edit('orders-0/00000000000000000000.log', bytes => bytes.with(90, bytes[90]! ^ 1))
  await node.world.clock.advance(10 * look)
  assert.equal(said(node, 'cannot compact a log'), 1)
  assert.equal(said(node, 'compacted a log'), 1)
  assert.ok((await offsets(node, 2)).length < 6)
  const [state] = await node.settle(node.engine.state([1]))
  assert.equal(state!.highWatermark, 10)
})

test('compaction begins and ends with the setting, at run time', async () => {
  const node = await filled({ cleanupPolicy: ['delete'] })
  await node.world.clock.advance(look)
  assert.deepEqual(await offsets(node), all)
  node.engine.configure([1], topicOf(config).config)
  await node.world.clock.advance(look)
  const left = await offsets(node)
  assert.ok(left.length < 6)
  node.engine.configure([1], topicOf({ ...config, cleanupPolicy: ['delete'] }).config)
  await fill(node)
  await node.world.clock.advance(look)
  assert.deepEqual(await offsets(node), [...left, ...all.map(offset => offset + 10)])
  await node.kill()
  assert.deepEqual(await offsets(node), [...left, ...all.map(offset => offset + 10)])
})

test('compact and delete together: what is left ages as everything does', async () => {
  const node = await filled({ cleanupPolicy: ['compact', 'delete'], retentionMs: 3_600_000 })
  await node.world.clock.advance(look)
  assert.ok((await offsets(node)).length < 6)
  await node.world.clock.advance(2 * 3_600_000)
  assert.deepEqual(await offsets(node), [])
  const [state] = await node.settle(node.engine.state([1]))
  assert.equal(state!.logStartOffset, 10)
})

test('nothing is compacted while the wall clock is not to be trusted', async () => {
  const node = await filled()
  node.world.clock.jump(24 * 3_600_000)
  await node.world.clock.advance(10 * look)
  assert.deepEqual(await offsets(node), all)
  await node.world.clock.advance(3_700_000)
  assert.ok((await offsets(node)).length < 6)
})
