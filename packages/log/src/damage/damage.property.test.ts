/**
 * Whatever happens to the bytes of a log, what is not hit is served, at its offset; nothing wrong ever is; and no offset is given out
 * twice. Damage is found by whoever comes upon it first: a start that scans, or a read.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeRecords, ErrorCodes, eachBatch } from '@odradek/protocol'
import fc from 'fast-check'
import { batchOf, recordsOf } from '../testing/batches.ts'
import { keyedBatch } from '../testing/keyed-batches.ts'
import { SimulatedNode } from '../testing/simulated-node.ts'

/** How far into it. Not a double: of those, most lie next to 0. */
const place = fc.nat(9999).map(n => n / 10_000)
const harm = fc.oneof(
  { weight: 4, arbitrary: fc.record({ act: fc.constant('flip' as const), file: place, at: place, bit: fc.nat(7) }) },
  {
    weight: 2,
    arbitrary: fc.record({ act: fc.constant('fill' as const), file: place, at: place, length: fc.nat(300) }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('cut' as const), file: place, at: place }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('lose' as const), file: place }) },
)
type Harm = typeof harm extends fc.Arbitrary<infer H> ? H : never

interface Written {
  baseOffset: number
  nextOffset: number
  values: string[]
}

test('flip, overwrite, cut or lose anything in a log of many segments: the rest is served, and nothing else', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.string({ minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 3 }), {
        minLength: 4,
        maxLength: 24,
      }),
      fc.array(harm, { minLength: 1, maxLength: 3 }),
      fc.constantFrom('running', 'stopped', 'killed', 'killed, without sidecars'),
      async (batches, harms, state) => {
        const node = new SimulatedNode({ segmentBytes: 500, indexIntervalBytes: 120 }, { tailBytes: 0, openFiles: 1 })
        await node.start()
        const written: Written[] = []
        for (const [i, values] of batches.entries()) {
          const sent = values.map((value, k) => `${i}.${k} ${value}`)
          const answer = await node.append(batchOf({ values: sent }))
          assert(answer.ok)
          written.push({ baseOffset: answer.baseOffset, nextOffset: answer.baseOffset + sent.length, values: sent })
        }
        if (state === 'stopped') await node.settle(node.engine.close({ drain: true }))
        // A running engine holds its files: one that is removed goes on to be written, and is gone later.
        const hit = await damage(
          node,
          harms.filter(({ act }) => act !== 'lose' || state !== 'running'),
        )
        if (state === 'killed, without sidecars')
          for (const name of await node.names())
            if (name.endsWith('.index')) await node.disk.remove(`/data/orders-0/${name}`)
        if (state === 'stopped') await node.start()
        else if (state !== 'running') await node.kill()
        await checkServed(node, written, hit)
        const answer = await node.append(batchOf({ values: ['after'] }))
        assert(answer.ok && answer.baseOffset >= written.at(-1)!.nextOffset, 'an offset is given out twice')
        written.push({ baseOffset: answer.baseOffset, nextOffset: answer.baseOffset + 1, values: ['after'] })
        await node.kill()
        await checkServed(node, written, hit)
      },
    ),
    { numRuns: 150, interruptAfterTimeLimit: 20_000 },
  )
})

test('in a log with holes that compaction left nobody passes damage unseen, and who goes on behind it finds the rest', async () => {
  await fc.assert(
    fc.asyncProperty(
      // What stays of a batch: a key of its own; what goes: one that all share.
      fc.array(fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }), { minLength: 8, maxLength: 40 }),
      fc.array(harm, { minLength: 1, maxLength: 3 }),
      fc.constantFrom('running', 'stopped', 'killed'),
      async (batches, harms, state) => {
        const node = new SimulatedNode(
          { cleanupPolicy: ['compact'], segmentBytes: 500, indexIntervalBytes: 120 },
          { tailBytes: 0, openFiles: 1 },
        )
        await node.start()
        for (const [i, stays] of batches.entries()) {
          const records = stays.map((its, k) => ({ key: its ? `own ${i} ${k}` : 'shared', value: '.'.repeat(40) }))
          assert((await node.append(keyedBatch({ records }))).ok)
        }
        await node.world.clock.advance(40_000)
        if (state === 'stopped') await node.settle(node.engine.close({ drain: true }))
        const there = await offsetsByBatch(node)
        const hit = await damage(
          node,
          harms.filter(({ act }) => act !== 'lose' || state !== 'running'),
        )
        if (state === 'stopped') await node.start()
        else if (state === 'killed') await node.kill()
        const { seen, told } = await walk(node)
        for (const [base, offsets] of there)
          for (const offset of offsets)
            if (!seen.has(offset))
              assert(
                hit.has(base) && told.some(([from, to]) => from <= offset && offset < to),
                `offset ${offset} is passed over in silence`,
              )
      },
    ),
    { numRuns: 150, interruptAfterTimeLimit: 20_000 },
  )
})

/** Offsets of the records in each batch, by its base offset. */
async function offsetsByBatch(node: SimulatedNode): Promise<Map<number, number[]>> {
  const found = new Map<number, number[]>()
  for (const name of (await node.names()).filter(each => each.endsWith('.log'))) {
    const bytes = await node.disk.readFile(`/data/orders-0/${name}`)
    for (const { at, baseOffset } of eachBatch(bytes))
      found.set(
        baseOffset,
        Array.from(decodeRecords(bytes, at), ({ offset }) => offset),
      )
  }
  return found
}

/** As a consumer reads a log from its beginning, which goes on behind what it is told is damaged. */
async function walk(node: SimulatedNode): Promise<{ seen: Set<number>; told: [number, number][] }> {
  const seen = new Set<number>()
  const told: [number, number][] = []
  for (let offset = 0; offset < (await node.highWatermark()); ) {
    const result = await node.read(offset)
    if (result.ok) {
      for (const record of recordsOf(result, offset)) seen.add(record.offset)
      const ends = result.chunks.flatMap(chunk => [...eachBatch(chunk)].map(({ lastOffset }) => lastOffset + 1))
      if (ends.length === 0) break
      offset = ends.at(-1)!
    } else {
      assert.equal(result.error, ErrorCodes.CORRUPT_MESSAGE)
      told.push([offset, result.resumeAt!])
      assert(result.resumeAt! > offset)
      offset = result.resumeAt!
    }
  }
  return { seen, told }
}

/** Returns whether a batch, by its base offset, was left as it was. */
async function damage(node: SimulatedNode, harms: readonly Harm[]): Promise<Set<number>> {
  const logs = (await node.names()).filter(name => name.endsWith('.log'))
  const before = new Map<string, Uint8Array>()
  for (const name of logs) before.set(name, Uint8Array.from(await node.disk.readFile(`/data/orders-0/${name}`)))
  const after = new Map(before)
  for (const each of harms) {
    const name = logs[Math.floor(each.file * logs.length)]!
    const bytes = after.get(name)
    if (bytes === undefined) continue
    if (each.act === 'lose') after.delete(name)
    else after.set(name, harmed(bytes, each))
  }
  for (const name of logs) {
    const bytes = after.get(name)
    if (bytes === undefined) await node.disk.remove(`/data/orders-0/${name}`)
    else if (bytes !== before.get(name)) await node.edit(`orders-0/${name}`, () => bytes)
  }
  return hitBatches(before, after)
}

function harmed(bytes: Uint8Array, each: Exclude<Harm, { act: 'lose' }>): Uint8Array {
  const at = Math.floor(each.at * bytes.length)
  if (each.act === 'cut') return bytes.slice(0, at)
  if (each.act === 'fill') return Uint8Array.from(bytes).fill(0x5a, at, at + each.length)
  return bytes.length === 0 ? bytes : bytes.with(at, bytes[at]! ^ (1 << each.bit))
}

/** Base offsets of batches some byte of which changed. */
function hitBatches(before: Map<string, Uint8Array>, after: Map<string, Uint8Array>): Set<number> {
  const hit = new Set<number>()
  for (const [name, bytes] of before) {
    const now = after.get(name) ?? new Uint8Array(0)
    const view = new DataView(bytes.buffer)
    for (let at = 0; at < bytes.length; at += 12 + view.getInt32(at + 8)) {
      const end = at + 12 + view.getInt32(at + 8)
      if (Buffer.compare(bytes.subarray(at, end), now.subarray(at, end)) !== 0) hit.add(Number(view.getBigInt64(at)))
    }
  }
  return hit
}

async function checkServed(node: SimulatedNode, written: readonly Written[], hit: Set<number>): Promise<void> {
  for (const { baseOffset, nextOffset, values } of written) {
    const result = await node.read(baseOffset)
    if (!result.ok) {
      assert.equal(result.error, ErrorCodes.CORRUPT_MESSAGE)
      assert(hit.has(baseOffset), `offset ${baseOffset} was not hit and is not served`)
      continue
    }
    const found = recordsOf(result, baseOffset).filter(({ offset }) => offset < nextOffset)
    if (found.length === 0) assert.fail(`offset ${baseOffset} is passed over in silence`)
    // A leader epoch is in no checksum; what the records are is.
    assert.deepEqual(
      found,
      values.map((value, i) => ({ offset: baseOffset + i, value })),
    )
  }
}
