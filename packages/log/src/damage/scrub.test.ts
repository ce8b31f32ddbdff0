/** The scrub finds what nobody reads, at its own pace, and remembers how it went. */
import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, test } from 'node:test'
import { ErrorCodes } from '@odradek/protocol'
import { batchOf, valuesOf } from '../testing/batches.ts'
import { SimulatedNode } from '../testing/simulated-node.ts'
import { decodeScrubPass, encodeScrubPass } from './scrub-file.ts'

const flip = (at: number) => (bytes: Uint8Array) => bytes.with(at, bytes[at]! ^ 4)

/** Ten records of about 110 bytes in segments of four, nothing of them in memory. */
async function filledNode(limits: { scrubBytesPerSecond?: number } = {}): Promise<SimulatedNode> {
  const node = new SimulatedNode({ segmentBytes: 450 }, { tailBytes: 0, scrubBytesPerSecond: 0, ...limits })
  await node.start()
  for (let i = 0; i < 10; i++) await node.append(batchOf({ values: [`${i}`.padEnd(40, '.')], timestamp: 1000 + i }))
  await node.world.clock.advance(10)
  return node
}

describe('the scrub', () => {
  test('finds one flipped bit in any batch, closed or not, says so once, and leaves the rest', async () => {
    for (const [name, base, offset] of [
      ['00000000000000000000', 0, 1],
      ['00000000000000000004', 4, 5],
      ['00000000000000000008', 8, 9],
    ] as const) {
      const node = await filledNode()
      await node.edit(`orders-0/${name}.log`, flip(190))
      const told: unknown[] = []
      const hear = (message: unknown) => told.push(message)
      subscribe('odradek:log:damage', hear)
      const pass = await node.settle(node.engine.scrub())
      const again = await node.settle(node.engine.scrub())
      unsubscribe('odradek:log:damage', hear)
      assert.deepEqual([pass.damaged, again.damaged, told.length], [1, 0, 1])
      const lines = node.notes.lines.filter(line => line.startsWith('scrubbed'))
      assert.match(lines[0]!, /"damagedNew":1,"damagedKnown":1/)
      assert.match(lines[1]!, /"damagedNew":0,"damagedKnown":1/)
      const { damaged, offline } = node.engine.health()
      assert.deepEqual([damaged.length, offline.length], [1, 0])
      const { segment, fromOffset, toOffset, reason } = damaged[0]!.ranges[0]!
      assert.deepEqual(
        { segment, fromOffset, toOffset, reason },
        {
          ...{ segment: base, fromOffset: offset, toOffset: offset + 1 },
          reason: 'a batch does not match its checksum',
        },
      )
      assert.equal(node.notes.lines.filter(line => line.includes('damaged and not served')).length, 1)
      const refused = await node.read(offset)
      assert.equal(!refused.ok && refused.error, ErrorCodes.CORRUPT_MESSAGE)
      for (let i = 0; i < 10; i++)
        if (i !== offset) assert.equal(valuesOf(await node.read(i), i)[0], `${i}`.padEnd(40, '.'))
      const answer = await node.append(batchOf({ values: ['next'] }))
      assert(answer.ok && answer.baseOffset === 10)
      assert.deepEqual(valuesOf(await node.read(10)), ['next'])
      assert((await node.names()).includes(`${name}.quarantine`))
    }
  })

  test('finds a leader epoch that has changed, which is in no checksum, and goes on to serve the records', async () => {
    const node = await filledNode()
    await node.edit('orders-0/00000000000000000004.log', flip(15))
    const pass = await node.settle(node.engine.scrub())
    assert.deepEqual([pass.damaged, pass.doubtful], [0, 1])
    assert(node.notes.lines.some(line => line.includes('another leader epoch')))
    assert.equal(valuesOf(await node.read(4), 4)[0], '4'.padEnd(40, '.'))
  })

  test('keeps to its rate', async () => {
    const node = await filledNode({ scrubBytesPerSecond: 64 * 1024 })
    const pass = await node.settle(node.engine.scrub())
    // Three segments, each of which costs as much as 64 KiB; the first need not wait.
    assert(pass.durationMs >= 2000, `${pass.durationMs} ms`)
    assert.equal(pass.bytes, await sizeOfLogs(node))
  })

  test('comes by itself, and its last pass is known after a restart', async () => {
    const node = await filledNode({ scrubBytesPerSecond: 10_000_000 })
    assert.equal(node.engine.health().scrub.last, undefined)
    await node.world.clock.advance(61_000)
    const { last } = node.engine.health().scrub
    assert(last !== undefined && last.damaged === 0)
    await node.kill()
    assert.deepEqual(node.engine.health().scrub.last, last)
  })

  test('ends with the engine, even in the middle of a pass', async () => {
    const node = await filledNode({ scrubBytesPerSecond: 10 })
    await node.world.clock.advance(61_000)
    assert(node.engine.health().scrub.current !== undefined)
    await node.settle(node.engine.close({ drain: true }))
    await node.start()
    assert.equal(node.engine.health().scrub.last, undefined)
  })

  test('passes by segments that retention takes away meanwhile', async () => {
    const node = await filledNode({ scrubBytesPerSecond: 64 * 1024 })
    const pass = node.engine.scrub()
    await node.settle(node.engine.trim([{ partition: 1, before: 8 }]))
    assert.equal((await node.settle(pass)).damaged, 0)
    assert.equal(node.engine.health().damaged.length, 0)
  })
})

test('how a pass went is read back, and not when any bit is changed', () => {
  const pass = { startedAt: 1e12, endedAt: 1e12 + 5, durationMs: 5, bytes: 2 ** 40, damaged: 3, doubtful: 4 }
  const bytes = encodeScrubPass(pass)
  assert.deepEqual(decodeScrubPass(bytes), pass)
  for (let bit = 0; bit < bytes.length * 8; bit++)
    assert.equal(decodeScrubPass(bytes.with(bit >> 3, bytes[bit >> 3]! ^ (1 << (bit & 7)))), undefined)
})

async function sizeOfLogs(node: SimulatedNode): Promise<number> {
  let size = 0
  for (const name of await node.names())
    if (name.endsWith('.log')) size += (await node.disk.readFile(`/data/orders-0/${name}`)).length
  return size
}
