/** Compaction lets a damaged log be: what was a key's last value may be among what is lost. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeBatch } from '@odradek/protocol'
import { batchOf } from '../testing/batches.ts'
import { SimulatedNode } from '../testing/simulated-node.ts'

/** Records of one key over and over, each in a segment of its own, looked through by the cleaner. */
async function isCleaned(harm: (node: SimulatedNode) => Promise<unknown>): Promise<boolean> {
  const node = new SimulatedNode(
    { cleanupPolicy: ['compact'], segmentBytes: 150 },
    { tailBytes: 0, scrubBytesPerSecond: 0 },
  )
  await node.start()
  for (let i = 0; i < 8; i++) {
    const bytes = encodeBatch([{ key: 'k', value: `${i}`.padEnd(60, '.'), timestamp: 1000 + i }])
    await node.append({ ...batchOf(), bytes, maxTimestamp: 1000 + i })
  }
  await node.world.clock.advance(10)
  await harm(node)
  await node.settle(node.engine.scrub())
  await node.world.clock.advance(40_000)
  return node.notes.lines.some(line => line.startsWith('compacted a log'))
}

const third = 'orders-0/00000000000000000003.log'

test('a log without damage is compacted', async () => {
  assert(await isCleaned(node => node.kill()))
})

test('a log with a damaged record stays as it is', async () => {
  assert(!(await isCleaned(node => node.edit(third, bytes => bytes.with(80, bytes[80]! ^ 1)))))
})

test('a log with a segment that is gone stays as it is', async () => {
  const harm = async (node: SimulatedNode) => {
    await node.disk.remove(`/data/${third}`)
    await node.kill()
  }
  assert(!(await isCleaned(harm)))
})
