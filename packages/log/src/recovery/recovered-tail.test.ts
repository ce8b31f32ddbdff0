/** A program is killed, started again on what the system shows, and only then does the power fail: what it took over must be on the disk. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchOf, valuesOf } from '../testing/batches.ts'
import { SimulatedNode } from '../testing/simulated-node.ts'

async function powerCut(node: SimulatedNode): Promise<void> {
  node.world.machine('m').crash({ unsynced: 'lost' })
  await node.start()
}

for (const journalBytes of [0, 100_000]) {
  const how = journalBytes > 0 ? 'with a journal' : 'without a journal'
  test(`what can be read after a failed sync and a restart survives a power cut, ${how}`, async () => {
    const node = new SimulatedNode({}, { journalBytes })
    await node.start()
    assert((await node.append(batchOf({ values: ['a'] }))).ok)
    node.disk.fail({ on: 'sync', code: 'EIO', times: 5 })
    assert(!(await node.append(batchOf({ values: ['b'] }))).ok)
    node.disk.healAll()
    await node.kill()
    const seen = valuesOf(await node.read(0))
    assert((await node.append(batchOf({ values: ['c'] }))).ok)
    await powerCut(node)
    assert.deepEqual(valuesOf(await node.read(0)), [...seen, 'c'])
  })
}

test('a segment begun by a run that was killed before its name was durable keeps what is written to it later', async () => {
  const node = new SimulatedNode()
  await node.start()
  // The folder, then its parent, then the folder again for the first segment: the third one fails.
  node.disk.fail({ on: 'syncFolder', code: 'EIO', path: 'orders-0', after: 1 })
  await node.append(batchOf({ values: ['a'] }))
  await node.kill()
  const answer = await node.append(batchOf({ values: ['b'] }))
  assert(answer.ok)
  await powerCut(node)
  assert.deepEqual(valuesOf(await node.read(answer.baseOffset)), ['b'])
})
