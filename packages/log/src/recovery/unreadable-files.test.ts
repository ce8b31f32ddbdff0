/** A file that can be made again, and cannot be read (a bad sector, a folder in its place), is as good as damaged: its partition is served. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cleanedOffsetName } from '../compaction/compaction-files.ts'
import { batchOf, recordsOf } from '../testing/batches.ts'
import { put } from '../testing/data-folders.ts'
import { SimulatedNode } from '../testing/simulated-node.ts'

const folder = '/data/orders-0'

async function writtenNode(): Promise<SimulatedNode> {
  const node = new SimulatedNode({ segmentBytes: 500, indexIntervalBytes: 120 }, { tailBytes: 0 })
  await node.start()
  for (let i = 0; i < 12; i++) assert.ok((await node.append(batchOf({ values: [`${i}`, '.'.repeat(90)] }))).ok)
  await node.settle(node.engine.close({ drain: true }))
  return node
}

async function isServed(node: SimulatedNode): Promise<void> {
  assert.equal(await node.highWatermark(), 24)
  for (let offset = 0; offset < 24; ) {
    const result = await node.read(offset)
    const found = recordsOf(result, offset)
    assert.equal(found[0]?.offset, offset)
    offset = found.at(-1)!.offset + 1
  }
  assert.ok((await node.append(batchOf({ values: ['more'] }))).ok)
}

const files = {
  'a snapshot': /\.snapshot$/,
  'the first index': /0000\.index$/,
  'the last index': /\d{18}2\d\.index$/,
  'the owner': /partition\.metadata$/,
  'the cleaned offset': /cleaned-offset$/,
  'a quarantine': /\.quarantine$/,
  'the scrub': /\/scrub$/,
}

for (const [what, pattern] of Object.entries(files)) {
  test(`${what} on a bad sector, or a folder in its place, keeps nobody from the records`, async () => {
    for (const how of ['EIO', 'a folder'] as const) {
      const node = await writtenNode()
      await put(node.disk, `${folder}/${cleanedOffsetName}`, Buffer.from('none'))
      await put(node.disk, `${folder}/00000000000000000000.quarantine`, Buffer.from('none'))
      await put(node.disk, '/data/scrub', Buffer.from('none'))
      const all = [...(await node.disk.list(folder)).map(name => `${folder}/${name}`), '/data/scrub']
      const path = all.find(each => pattern.test(each))
      assert.ok(path, what)
      if (how === 'EIO') node.disk.fail({ on: 'read', code: 'EIO', path, times: 1000 })
      else {
        await node.disk.remove(path)
        await node.disk.makeFolder(path)
      }
      await node.start()
      await isServed(node)
      assert.ok(!node.notes.lines.some(line => /stays offline/.test(line)), node.notes.lines.join('\n'))
    }
  })
}
