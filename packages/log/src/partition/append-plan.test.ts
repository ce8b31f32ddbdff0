import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCodes } from '@odradek/protocol'
import { keyedBatch, marker } from '../testing/keyed-batches.ts'
import { SimulatedNode } from '../testing/simulated-node.ts'

test('a marker is written however small segments are to be: without it the transaction would stand open for ever', async () => {
  const node = new SimulatedNode({ segmentBytes: 75 })
  await node.start()
  const producer = { producerId: 7n, producerEpoch: 0 }
  const records = [{ key: 'k', value: 'v' }]
  const open = await node.append(keyedBatch({ ...producer, records, baseSequence: 0, transactional: true }))
  assert.ok(open.ok)
  assert.ok((await node.append(marker({ ...producer, type: 'commit' }))).ok)
  const [state] = await node.settle(node.engine.state([1]))
  assert.deepEqual([state!.highWatermark, state!.lastStableOffset], [2, 2])
  const large = await node.append(keyedBatch({ records: [{ key: 'k', value: '.'.repeat(100) }] }))
  assert.deepEqual(large.ok || large.error, ErrorCodes.RECORD_LIST_TOO_LARGE)
})
