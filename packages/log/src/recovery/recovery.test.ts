/** What a start makes of the files it finds. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { crc32c, ErrorCodes } from '@odradek/protocol'
import { batchOf, valuesOf } from '../testing/batches.ts'
import { SimulatedNode } from '../testing/simulated-node.ts'

/** The header of a checkpoint, with the checksum that goes with it. */
function sealed(bytes: Uint8Array): Uint8Array {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(60, crc32c(bytes, 0, 60))
  return bytes
}

const log = 'orders-0/00000000000000000000.log'

/** Three durable batches; the checkpoint file as it was before the third. */
async function threeBatches(): Promise<{ node: SimulatedNode; checkpoint: Uint8Array; sizes: number[] }> {
  const node = new SimulatedNode()
  await node.start()
  const batches = [['a'], ['b', 'c'], ['d', 'e']].map(values => batchOf({ values }))
  const sizes = batches.map(batch => batch.bytes.length)
  await node.append(batches[0]!)
  await node.append(batches[1]!)
  const checkpoint = await node.disk.readFile('/data/checkpoint')
  await node.append(batches[2]!)
  return { node, checkpoint, sizes }
}

describe('a torn tail', () => {
  test('is cut off at whatever byte the last write ended, and the log goes on', async () => {
    const { node, checkpoint, sizes } = await threeBatches()
    const whole = sizes[0]! + sizes[1]!
    const bytes = await node.disk.readFile(`/data/${log}`)
    for (let length = whole; length < bytes.length; length++) {
      await node.edit('checkpoint', () => checkpoint)
      await node.edit(log, () => bytes.slice(0, length))
      await node.kill()
      assert.deepEqual(valuesOf(await node.read(0)), ['a', 'b', 'c'], `cut after ${length} bytes`)
      const answer = await node.append(batchOf({ values: ['next'] }))
      assert(answer.ok && answer.baseOffset === 3)
    }
  })

  for (const [what, fill] of [
    ['zeroes', () => 0],
    ['noise', (i: number) => (i * 197 + 13) & 0xff],
  ] as const) {
    test(`of ${what} is cut off`, async () => {
      const { node } = await threeBatches()
      await node.edit(log, bytes => Uint8Array.from([...bytes, ...Array.from({ length: 5000 }, (_, i) => fill(i))]))
      await node.kill()
      assert.deepEqual(valuesOf(await node.read(0)), ['a', 'b', 'c', 'd', 'e'])
      assert.match(node.notes.lines[0]!, /cut off a torn write.*"bytes":5000/)
    })
  }

  test('that has its length but not its bytes is cut off', async () => {
    const { node, checkpoint, sizes } = await threeBatches()
    await node.edit('checkpoint', () => checkpoint)
    await node.edit(log, bytes => bytes.fill(0, sizes[0]! + sizes[1]! + 70))
    await node.kill()
    assert.equal(await node.highWatermark(), 3)
  })
})

describe('damage to what was durable', () => {
  for (const [what, harm, read] of [
    ['a header', (bytes: Uint8Array) => bytes.with(16, 9), []],
    ['a missing end', (bytes: Uint8Array) => bytes.slice(0, -3), ['a', 'b', 'c']],
    ['a missing file', () => new Uint8Array(0), []],
  ] as const) {
    test(`(${what}) is never cut off: it is kept as it is, and everything else is served`, async () => {
      const { node } = await threeBatches()
      await node.append(batchOf({ partition: 2, values: ['x'] }))
      await node.edit(log, harm)
      const before = await node.disk.readFile(`/data/${log}`)
      await node.kill()
      const first = await node.read(0)
      if (read.length === 0) assert.equal(!first.ok && first.error, ErrorCodes.CORRUPT_MESSAGE)
      else assert.deepEqual(valuesOf(first), read)
      assert.match(node.notes.lines.join('\n'), /in orders-0 records? \d.* damaged and not served/)
      const answer = await node.append(batchOf({ values: ['next'] }))
      assert(answer.ok && answer.baseOffset === 5)
      assert.deepEqual(valuesOf(await node.read(5)), ['next'])
      assert.deepEqual(valuesOf(await node.read(0, 2)), ['x'])
      assert.deepEqual(await node.disk.readFile(`/data/${log}`), before)
    })
  }
})

describe('files beside the log', () => {
  test('after an orderly shutdown nothing is scanned', async () => {
    const { node } = await threeBatches()
    await node.settle(node.engine.close({ drain: true }))
    await node.start()
    assert.deepEqual(node.notes.lines, [])
    assert.deepEqual(valuesOf(await node.read(0)), ['a', 'b', 'c', 'd', 'e'])
  })

  test('sidecars, snapshots and the checkpoint are made again when missing or wrong', async () => {
    const harms = [
      (bytes: Uint8Array) => bytes.with(bytes.length - 1, 99),
      (bytes: Uint8Array) => bytes.with(20, 99),
      (bytes: Uint8Array) => bytes.slice(0, 10),
    ]
    for (const harm of harms) {
      const node = new SimulatedNode({ segmentBytes: 400, indexIntervalBytes: 60 })
      await node.start()
      for (let i = 0; i < 12; i++)
        await node.append(batchOf({ values: [`${i}`], producerId: 3n, producerEpoch: 0, baseSequence: i }))
      await node.settle(node.engine.close({ drain: true }))
      for (const name of await node.names()) if (!name.endsWith('.log')) await node.edit(`orders-0/${name}`, harm)
      await node.disk.remove('/data/checkpoint')
      await node.start()
      assert.deepEqual(valuesOf(await node.read(5), 5)[0], '5')
      const again = await node.append(batchOf({ values: ['11'], producerId: 3n, producerEpoch: 0, baseSequence: 11 }))
      assert(again.ok && again.duplicate && again.baseOffset === 11)
      const gap = await node.append(batchOf({ producerId: 3n, producerEpoch: 0, baseSequence: 13 }))
      assert(!gap.ok && gap.error === ErrorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER)
    }
  })

  test('a segment that grows is described now and then, so that little is scanned after a kill', async () => {
    const node = new SimulatedNode({}, { describeBytes: 1000 })
    await node.start()
    const send = (i: number) =>
      node.append(
        batchOf({
          values: [`${i}`.padEnd(100, '.')],
          producerId: 3n,
          producerEpoch: 0,
          baseSequence: i,
          timestamp: 1000 + i,
        }),
      )
    for (let i = 0; i < 100; i++) await send(i)
    await node.world.clock.advance(10)
    const size = (await node.disk.readFile(`/data/${log}`)).length
    await node.kill()
    const scanned = Number(/"bytesScanned":(\d+)/.exec(node.notes.lines.join())![1])
    assert(scanned <= 1000 + 2 * 175, `${scanned} of ${size} bytes were scanned`)
    assert.deepEqual((await node.names()).filter(name => name.endsWith('.snapshot')).length, 1)
    const again = await send(99)
    assert(again.ok && again.duplicate)
    assert.equal(valuesOf(await node.read(0)).length, 100)
  })

  test('the last three snapshots are kept', async () => {
    const node = new SimulatedNode({ segmentBytes: 150 })
    await node.start()
    for (let i = 0; i < 12; i++) await node.append(batchOf({ values: ['x'.repeat(60)] }))
    await node.world.clock.advance(100)
    assert.equal((await node.names()).filter(name => name.endsWith('.snapshot')).length, 3)
  })

  test('a folder of another topic with this name is kept, and not used', async () => {
    const { node } = await threeBatches()
    await node.edit('orders-0/partition.metadata', () =>
      new TextEncoder().encode('version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ\n'),
    )
    await node.disk.remove('/data/checkpoint')
    await node.kill()
    assert.equal(await node.highWatermark(), 0)
    assert((await node.disk.list('/data')).some(name => name.endsWith('-stray')))
  })

  test('a data folder that cannot be written is refused with a sentence', async () => {
    const node = new SimulatedNode()
    node.disk.fail({ on: 'open', code: 'EACCES', path: 'checkpoint' })
    await assert.rejects(node.start(), { name: 'UsageError', code: 'DATA_FOLDER', message: /\/data cannot be written/ })
  })

  test('a data folder of a newer release is refused', async () => {
    const { node } = await threeBatches()
    await node.edit('checkpoint', bytes => sealed(bytes.with(7, 3)))
    await assert.rejects(node.kill(), { name: 'UsageError', code: 'DATA_FOLDER', message: /format 3.*reads up to 2/ })
  })
})

test('a description that never got its name is removed', async () => {
  const { node } = await threeBatches()
  const name = '00000000000000000000.index.new'
  await (await node.disk.open(`/data/orders-0/${name}`, 'create')).close()
  await node.kill()
  assert(!(await node.names()).includes(name))
})
