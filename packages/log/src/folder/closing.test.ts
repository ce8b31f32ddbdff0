import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchOf, valuesOf } from '../testing/batches.ts'
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
