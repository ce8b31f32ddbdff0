import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCodes } from '@odradek/protocol'
import { batchOf, topicOf, valuesOf } from '../testing/batches.ts'
import { SimulatedNode } from '../testing/simulated-node.ts'

for (const fault of [
  { on: 'sync', code: 'EIO', path: 'checkpoint' },
  { on: 'open', code: 'ENOSPC', path: 'clean' },
] as const) {
  test(`an engine that cannot leave the mark of an orderly shutdown closes all the same: ${fault.on} of ${fault.path}`, async () => {
    const node = new SimulatedNode()
    await node.start()
    await node.append(batchOf({ values: ['a'] }))
    node.disk.fail(fault)
    await node.settle(node.engine.close({ drain: true }))
    assert.deepEqual(node.notes.lines.filter(line => line.startsWith('cannot leave the mark')).length, 1)
    await node.start()
    assert.deepEqual(valuesOf(await node.read(0)), ['a'])
  })
}

const both = [batchOf({ partition: 1, values: ['a'] }), batchOf({ partition: 2, values: ['b'] })]

test('closing makes one partition durable, though the sync of another fails; that is said, and the next start looks at both', async () => {
  const node = new SimulatedNode()
  await node.start()
  for (const batch of both) await node.append(batch)
  node.disk.fail({ on: 'sync', code: 'EIO', path: 'orders-0/', times: 100 })
  const answers = node.engine.append(
    [batchOf({ partition: 1, values: ['not durable'] }), batchOf({ partition: 2, values: ['durable'] })],
    { acks: -1, deadline: Number.POSITIVE_INFINITY },
  )
  const closed = node.engine.close({ drain: true })
  const [first, second] = await node.settle(answers)
  assert.deepEqual(first, { ok: false, error: ErrorCodes.KAFKA_STORAGE_ERROR })
  assert.equal(second!.ok, true)
  await node.settle(closed)
  const said = node.notes.lines.filter(line => line.includes('a sync failed'))
  assert.equal(said.length, 1)
  assert.match(said[0]!, /orders-0.*EIO/)
  assert.equal((await node.disk.list('/data')).includes('clean'), false)
  node.disk.healAll()
  node.world.machine('m').crash({ unsynced: 'lost' })
  await node.start()
  assert.deepEqual(valuesOf(await node.read(0, 1)), ['a'])
  assert.deepEqual(valuesOf(await node.read(0, 2)), ['b', 'durable'])
})

test('a partition that cannot be described in the end harms no other', async () => {
  const node = new SimulatedNode()
  await node.start()
  for (const batch of both) await node.append(batch)
  node.disk.fail({ on: 'open', code: 'EIO', path: 'orders-0/', times: 100 })
  await node.settle(node.engine.close({ drain: true }))
  assert.match(node.notes.lines.join('\n'), /could not describe the last segment.*orders-0.*EIO/)
  node.disk.healAll()
  await node.start()
  assert.deepEqual(valuesOf(await node.read(0, 1)), ['a'])
  assert.deepEqual(valuesOf(await node.read(0, 2)), ['b'])
})

for (const fault of [
  { on: 'rename', code: 'EIO', path: 'orders-0' },
  { on: 'syncFolder', code: 'EIO' },
] as const) {
  test(`a topic is dropped as far as it can be, and the rest later: ${fault.on} fails`, async () => {
    const node = new SimulatedNode({ fileDeleteDelayMs: 1000 })
    await node.start()
    for (const batch of both) await node.append(batch)
    const { topicId } = topicOf()
    node.disk.fail(fault)
    await assert.rejects(node.settle(node.engine.drop(topicId)), /EIO/)
    assert.deepEqual(await node.settle(node.engine.state([1, 2])), [null, null])
    await node.settle(node.engine.drop(topicId))
    assert.deepEqual(
      (await node.disk.list('/data')).filter(name => /^orders/.test(name)),
      [],
    )
    await node.settle(node.engine.close({ drain: true }))
    await node.start({ open: { ...topicOf(), partitions: [] } })
    await node.world.clock.advance(1000)
    assert.deepEqual(
      (await node.disk.list('/data')).filter(name => /^orders|-delete$/.test(name)),
      [],
    )
  })
}
