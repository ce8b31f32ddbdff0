/** A compacted segment that has gone bad before it took the place of others does not: they are whole. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eachBatch } from '@odradek/protocol'
import { realClock as clock, type Disk } from '@odradek/world'
import { EmbeddedEngine } from '../embedded-engine.ts'
import { recordsOf, topicOf } from '../testing/batches.ts'
import { dataFolder, folderWith, put } from '../testing/data-folders.ts'
import { notes } from '../testing/notes.ts'
import { verifyFolder } from '../tools/verify.ts'

const folder = `${dataFolder}/orders-0`
const config = { segmentBytes: 400, indexIntervalBytes: 100 }

/** The first two of its segments, and both in a swap file, as a crash between two steps leaves them. */
async function interrupted() {
  const disk = await folderWith({ batches: 12, clean: false })
  const [first, second, third] = (await disk.list(folder)).filter(name => name.endsWith('.log'))
  const both = Buffer.concat([await disk.readFile(`${folder}/${first}`), await disk.readFile(`${folder}/${second}`)])
  const swap = `${folder}/${first!.replace('.log', '')}-${third!.replace('.log', '')}.swap`
  await put(disk, swap, both)
  return { disk, first: first!, second: second!, swap, both }
}

async function started(disk: Disk) {
  const logger = notes()
  const engine = await EmbeddedEngine.start({ clock, disk, folder: dataFolder, leaderEpoch: 2, logger })
  await engine.open(topicOf(config))
  const offsets: number[] = []
  for (let offset = 0; offset < 36; ) {
    const read = { partition: 1, offset, maxBytes: 1e6, isolation: 'uncommitted' as const }
    const [result] = await engine.read([read], { maxBytes: 1e6, minOne: true })
    const found = result?.ok ? recordsOf(result, offset).map(record => record.offset) : []
    offsets.push(...found)
    offset = (found.at(-1) ?? offset) + 1
  }
  await engine.close({ drain: false })
  return { offsets, lines: logger.lines.join('\n') }
}

const all = Array.from({ length: 36 }, (_, offset) => offset)

test('whole, it takes the place of those it was made of', async () => {
  const { disk, second, swap } = await interrupted()
  const { findings } = await verifyFolder({ disk, folder: dataFolder })
  assert.ok(findings.some(({ code }) => code === 'swap-interrupted'))
  assert.deepEqual((await started(disk)).offsets, all)
  assert.deepEqual([await disk.exists(`${folder}/${second}`), await disk.exists(swap)], [false, false])
})

test('with any byte changed, cut off, or followed by others it goes, and they stay', async () => {
  const { both } = await interrupted()
  // What Kafka's checksum leaves out, the leader epoch, says nothing of the records.
  const epochs = [...eachBatch(both)].map(({ at }) => at + 12)
  const flipped = []
  for (let at = 0; at < both.length; at += 37)
    if (!epochs.some(epoch => at >= epoch && at < epoch + 4))
      flipped.push(Buffer.from(both.map((byte, i) => (i === at ? byte ^ 4 : byte))))
  for (const bytes of [...flipped, both.subarray(0, -1), Buffer.concat([both, Buffer.from('x')]), Buffer.from('x')]) {
    const { disk, swap } = await interrupted()
    await disk.remove(swap)
    await put(disk, swap, bytes)
    const { findings } = await verifyFolder({ disk, folder: dataFolder })
    assert.ok(findings.some(({ code }) => code === 'swap-damaged'))
    const { offsets, lines } = await started(disk)
    assert.deepEqual(offsets, all)
    assert.match(lines, /a compacted segment is damaged; those it was made of are whole, and stay/)
    assert.ok(!(await disk.exists(swap)))
  }
})

test('with one of them gone already, or damaged, it is all there is', async () => {
  for (const harm of ['gone', 'damaged'] as const) {
    const { disk, second, swap, both } = await interrupted()
    const bytes = Buffer.from(both)
    bytes[70]! ^= 1
    await disk.remove(swap)
    await put(disk, swap, bytes)
    if (harm === 'gone') await disk.remove(`${folder}/${second}`)
    else await put(disk, `${folder}/${second}`, Buffer.from('bad'), 80)
    assert.deepEqual((await started(disk)).offsets, all.slice(3))
    assert.ok(!(await disk.exists(swap)))
  }
})
