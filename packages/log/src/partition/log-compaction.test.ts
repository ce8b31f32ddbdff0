import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogConfig } from '../engine.ts'
import { topicOf } from '../testing/batches.ts'
import { committedView } from '../testing/committed-view.ts'
import { keyedBatch } from '../testing/keyed-batches.ts'
import { SimulatedNode } from '../testing/simulated-node.ts'
import { findingKinds } from '../tools/finding.ts'
import { verifyFolder } from '../tools/verify.ts'

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

test('what a pass that was cut short took from a log is no damage, even when the log is not to be compacted any more', async () => {
  const node = await filled()
  node.disk.fail({ on: 'open', code: 'EIO', path: '.cleaned', after: 2 })
  await node.world.clock.advance(look)
  assert.equal(said(node, 'could not compact a log'), 1)
  const left = await offsets(node)
  assert.ok(left.length < 10)
  for (const name of await node.names()) if (name.endsWith('.index')) await node.disk.remove(`/data/orders-0/${name}`)
  node.world.machine('m').crash({ unsynced: 'lost' })
  const { disk } = node
  const topics = () => ({ name: 'orders', compacted: false })
  const { findings } = await node.settle(verifyFolder({ disk, folder: '/data', topics, deep: true }))
  assert.deepEqual(
    findings.filter(({ code }) => findingKinds[code].severity === 'damage'),
    [],
  )
  await node.start({ open: topicOf({ ...config, cleanupPolicy: ['delete'] }) })
  assert.deepEqual(await offsets(node), left)
  assert.ok(!(await node.names()).some(name => name.endsWith('.quarantine')))
})

for (const code of ['EIO', 'EMFILE']) {
  test(`a segment whose taking over is not known to be durable (${code}) takes over from no later one`, async () => {
    for (let after = 0; after < 6; after++) {
      const node = new SimulatedNode({ ...config, segmentBytes: 2_000, segmentMs: 1_000 }, { tailBytes: 0 })
      await node.start()
      const acknowledged = new Set<string>()
      const write = async (...keys: string[]) => {
        for (const key of keys) {
          const records = [{ key, value: '.'.repeat(100) }]
          const { ok } = await node.append(keyedBatch({ records, timestamp: node.world.clock.now() }))
          if (ok) acknowledged.add(key)
          await node.world.clock.advance(1_100)
        }
      }
      await write('a', 'b', 'b', 'c')
      node.disk.fail({ on: 'syncFolder', path: 'orders-0', code, after, times: code === 'EIO' ? 1 : 2 })
      await node.world.clock.advance(look)
      // Small segments: what was to be one with two others is now to be one with more.
      await write('d', 'e', 'f')
      await node.world.clock.advance(90_000)
      await node.kill()
      const keys = (await node.settle(committedView(node.engine, 1))).map(({ key }) => key)
      assert.deepEqual(new Set(keys), acknowledged, `after ${after} syncs`)
    }
  })
}
