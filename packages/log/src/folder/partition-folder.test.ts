/** Whose a folder is, when what says it is damaged. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Disk, memoryDisk } from '@odradek/world'
import { CoalescedSync } from '../sync/coalesced-sync.ts'
import { claimFolder, createPartitionFolder, ownerOf, ownersIn } from './partition-folder.ts'

const mine = '0b54ae27-c8a1-4d0e-b3a5-1f4d8a3b9c01'
const other = '7c1d2f6a-55e0-4f0b-9a63-0d6f9f1e2b02'
const path = '/data/orders-0/partition.metadata'

function makeFolder(disk: Disk, name: string): Promise<void> {
  const names = new CoalescedSync(() => disk.syncFolder('/data'), { afterFailure: 'anew' })
  return createPartitionFolder(disk, `/data/${name}`, mine, { names, fill: async () => undefined })
}

async function folderWith(change: (bytes: Uint8Array) => Uint8Array | undefined) {
  const disk = memoryDisk()
  await makeFolder(disk, 'orders-0')
  const bytes = change(await disk.readFile(path))
  if (bytes === undefined) await disk.remove(path)
  else (await disk.open(path, 'fresh')).write(0, [bytes])
  return disk
}

test('a folder is its topic’s, and nobody else’s', async () => {
  const disk = await folderWith(bytes => bytes)
  assert.equal(await claimFolder(disk, '/data/orders-0', mine), 'mine')
  assert.equal(await claimFolder(disk, '/data/orders-0', other), 'foreign')
  assert.equal(await claimFolder(disk, '/data/orders-1', other), 'mine', 'there is none')
})

test('with any bit changed it still is, and the text is mended', async () => {
  const { length } = await (await folderWith(bytes => bytes)).readFile(path)
  for (let bit = 0; bit < length * 8; bit++) {
    const disk = await folderWith(bytes => bytes.with(bit >> 3, bytes[bit >> 3]! ^ (1 << (bit & 7))))
    assert.equal(await claimFolder(disk, '/data/orders-0', mine), 'mended', `bit ${bit}`)
    assert.equal(await ownerOf(disk, '/data/orders-0'), mine)
    assert.equal(await claimFolder(disk, '/data/orders-0', mine), 'mine')
  }
})

test('cut anywhere, or emptied, it is mended, too', async () => {
  const { length } = await (await folderWith(bytes => bytes)).readFile(path)
  for (let end = 0; end < length; end++) {
    const disk = await folderWith(bytes => bytes.slice(0, end))
    assert.equal(await claimFolder(disk, '/data/orders-0', mine), 'mended')
  }
})

test('a folder with files and without the text is taken to be the topic’s', async () => {
  const disk = await folderWith(() => undefined)
  await disk.open('/data/orders-0/00000000000000000000.log', 'fresh')
  assert.equal(await claimFolder(disk, '/data/orders-0', mine), 'mended')
})

test('what was put aside has no owner to be found', async () => {
  const disk = memoryDisk()
  for (const name of ['orders-0', 'a-b-12', `${mine}-3-delete`, 'orders-1.7-stray']) await makeFolder(disk, name)
  await disk.makeFolder('/data/empty-0')
  assert.deepEqual(await ownersIn(disk, '/data'), [
    { topicId: mine, topic: 'a-b', index: 12 },
    { topicId: mine, topic: 'orders', index: 0 },
  ])
})
