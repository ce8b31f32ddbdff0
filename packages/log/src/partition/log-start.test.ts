import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchOf } from '../testing/batches.ts'
import { SimulatedNode } from '../testing/simulated-node.ts'

test('records deleted again after a run that was killed while it deleted them stay deleted through a power cut', async () => {
  const node = new SimulatedNode()
  await node.start()
  for (const value of ['a', 'b', 'c']) await node.append(batchOf({ values: [value] }))
  void node.engine.trim([{ partition: 1, before: 2 }])
  await node.kill()
  const [answer] = await node.settle(node.engine.trim([{ partition: 1, before: 2 }]))
  assert.deepEqual(answer, { ok: true, logStartOffset: 2 })
  node.world.machine('m').crash({ unsynced: 'lost' })
  await node.start()
  const [state] = await node.settle(node.engine.state([1]))
  assert.equal(state!.logStartOffset, 2)
})

for (const harm of ['missing', 'empty'] as const) {
  test(`a checkpoint that is ${harm} is told of, for with it goes where logs begin; a new folder has nothing to tell`, async () => {
    const node = new SimulatedNode()
    await node.start()
    assert.deepEqual(node.notes.lines.join(), '')
    for (const value of ['a', 'b', 'c']) await node.append(batchOf({ values: [value] }))
    await node.settle(node.engine.trim([{ partition: 1, before: 2 }]))
    if (harm === 'missing') await node.disk.remove('/data/checkpoint')
    else await node.edit('checkpoint', () => new Uint8Array(0))
    await node.kill()
    const told = node.notes.lines.join()
    assert.match(told, new RegExp(`the checkpoint is ${harm}: made anew.*DeleteRecords.*may be there again`))
  })
}
