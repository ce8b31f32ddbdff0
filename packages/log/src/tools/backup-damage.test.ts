/** A backup that is made again when the data folder has gone bad since never holds less than the one before. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { realClock as clock, type Disk } from '@odradek/world'
import { writeQuarantine } from '../damage/quarantine-file.ts'
import { EmbeddedEngine } from '../embedded-engine.ts'
import { recordsOf, topicOf } from '../testing/batches.ts'
import { appendTo, contentOf, cut, dataFolder, flip, folderWith, put } from '../testing/data-folders.ts'
import { backUpFolder } from './backup.ts'
import { repairFolder } from './repair.ts'
import { restoreFolder } from './restore.ts'
import { verifyFolder } from './verify.ts'

const backup = '/backup'
const folder = `${dataFolder}/orders-0`
const small = { segmentBytes: 400, indexIntervalBytes: 100 }

async function backUp(disk: Disk, copy = true) {
  const said: string[] = []
  const options = { disk, clock, folder: dataFolder, backup, copy }
  const report = await backUpFolder({ ...options, say: remark => said.push(remark) })
  return { ...report, said: said.join('\n') }
}

/** The values in partition 0 of what is restored, by offset. */
async function restored(disk: Disk): Promise<(string | undefined)[]> {
  await disk.remove('/restored')
  await restoreFolder({ disk, clock, backup, folder: '/restored' })
  const engine = await EmbeddedEngine.start({ clock, disk, folder: '/restored', leaderEpoch: 100 })
  await engine.open(topicOf(small))
  const values: (string | undefined)[] = []
  const end = (await engine.state([1]))[0]!.highWatermark
  for (let offset = 0; offset < end; ) {
    const read = { partition: 1, offset, maxBytes: 1e6, isolation: 'uncommitted' as const }
    const [result] = await engine.read([read], { maxBytes: 1e6, minOne: true })
    const records = result?.ok ? recordsOf(result, offset) : []
    for (const each of records) values[each.offset] = each.value
    offset = records.length === 0 ? offset + 1 : records.at(-1)!.offset + 1
  }
  await engine.close({ drain: false })
  return values
}

const valuesOf = (batches: number): string[] =>
  Array.from({ length: batches * 3 }, (_, offset) => `${Math.floor(offset / 3)}${'abc'[offset % 3]}`)

/** As a start leaves it: without the mark that the folder was closed in order nothing else would be looked at. */
async function appendMore(disk: Disk): Promise<void> {
  const engine = await EmbeddedEngine.start({ clock, disk, folder: dataFolder, leaderEpoch: 2 })
  await engine.open(topicOf(small))
  await appendTo(engine, 6, 10)
  await engine.close({ drain: true })
}

test('bytes that have changed, anywhere in a segment, are taken from the copy before', async () => {
  const spots = []
  const original = await folderWith({ batches: 10 })
  for (const name of (await original.list(folder)).filter(each => each.endsWith('.log')))
    for (let byte = 0; byte < (await original.readFile(`${folder}/${name}`)).length; byte += 53)
      spots.push({ name, byte })
  assert.ok(spots.length > 15)
  for (const { name, byte } of spots) {
    const disk = await folderWith({ batches: 10 })
    await backUp(disk)
    await appendMore(disk)
    await flip(disk, `${folder}/${name}`, byte)
    const { isDamaged, said } = await backUp(disk)
    assert.ok(isDamaged, `${name} at ${byte}`)
    assert.match(said, /is damaged since the backup before, which had it whole: the backup keeps that.*repair --from/)
    assert.deepEqual(await restored(disk), valuesOf(16), `${name} at ${byte}`)
    assert.deepEqual((await verifyFolder({ disk, folder: '/restored' })).findings, [])
  }
})

test('a segment that was cut off since is taken from the copy before', async () => {
  const disk = await folderWith({ batches: 10 })
  const segments = (await disk.list(folder)).filter(each => each.endsWith('.log'))
  for (const name of segments) {
    const path = `${folder}/${name}`
    const bytes = await disk.readFile(path)
    await backUp(disk)
    await cut(disk, path, Math.floor(bytes.length / 2))
    assert.ok((await backUp(disk)).isDamaged)
    assert.deepEqual(await restored(disk), valuesOf(10))
    await put(disk, path, bytes)
    assert.ok(!(await backUp(disk)).isDamaged)
  }
})

test('where no backup has it whole the damage is in the backup as it is, and that is said', async () => {
  const first = '00000000000000000000.log'
  const disk = await folderWith({ batches: 10 })
  await flip(disk, `${folder}/${first}`, 70)
  const once = await backUp(disk)
  const again = await backUp(disk)
  for (const { isDamaged, said } of [once, again]) {
    assert.ok(isDamaged)
    assert.match(said, /000\.log is damaged at byte .*; it is in the backup as it is/)
  }
  const values = await restored(disk)
  assert.deepEqual([values[0], values.slice(3)], [undefined, valuesOf(10).slice(3)])
})

test('a copy of another segment of that name is never taken: compaction made this one since', async () => {
  const first = '00000000000000000000.log'
  const disk = await folderWith({ batches: 10 })
  await backUp(disk)
  const bytes = await disk.readFile(`${folder}/${first}`)
  const size = Buffer.from(bytes).readInt32BE(8) + 12
  // The first batch is gone, as if its keys had newer values; of the others one is damaged.
  const file = await disk.open(`${folder}/${first}`, 'fresh')
  file.write(0, [bytes.subarray(size)])
  await file.close()
  await flip(disk, `${folder}/${first}`, 70)
  const { said } = await backUp(disk)
  assert.match(said, /it is in the backup as it is/)
  assert.equal(
    (await restored(disk)).findIndex(value => value !== undefined),
    6,
  )
})

test('a partition whose owner cannot be read keeps what the backup has of it; the others are backed up', async () => {
  const disk = await folderWith({ batches: 4 })
  await backUp(disk)
  await disk.remove(`${folder}/partition.metadata`)
  for (const _ of [1, 2]) {
    const { isDamaged, manifest, said } = await backUp(disk)
    assert.ok(isDamaged)
    assert.equal(manifest.partitions.length, 2)
    assert.match(
      said,
      /orders-0 has records, and its partition\.metadata is missing.*keeps what it had.*Start a broker/,
    )
    assert.deepEqual(await restored(disk), valuesOf(4))
  }
  await disk.remove(backup)
  const { manifest, said } = await backUp(disk)
  assert.deepEqual(
    manifest.partitions.map(({ topic, index }) => [topic, index]),
    [['orders', 1]],
  )
  assert.match(said, /it is not in the backup/)
})

test('a topic that was deleted goes from the backup without a word', async () => {
  for (const isFreed of [true, false]) {
    const disk = await folderWith({ batches: 4 })
    await backUp(disk)
    if (isFreed) {
      const engine = await EmbeddedEngine.start({ clock, disk, folder: dataFolder, leaderEpoch: 2 })
      await engine.open(topicOf(small))
      await engine.drop(topicOf(small).topicId)
      await engine.close({ drain: true })
    } else for (const each of [folder, `${dataFolder}/orders-1`]) await disk.remove(each)
    // A crash may leave it in the checkpoint, and what the cluster knows does not have it.
    const said: string[] = []
    const topics = isFreed ? {} : { topics: () => null }
    const { isDamaged, manifest } = await backUpFolder({
      ...{ disk, clock, folder: dataFolder, backup, copy: true, ...topics },
      say: remark => said.push(remark),
    })
    assert.deepEqual([isDamaged, manifest.partitions, said], [false, [], []])
    assert.ok(![...(await contentOf(disk, backup)).keys()].some(path => path.includes('orders')))
  }
})

test('a partition whose folder is gone stays in the backup, is told of by verify, and is brought back by repair', async () => {
  for (const how of ['gone', 'emptied'] as const) {
    const disk = await folderWith({ batches: 6 })
    const topics = () => ({ name: 'orders', compacted: false })
    await backUp(disk)
    const engine = await EmbeddedEngine.start({ clock, disk, folder: dataFolder, leaderEpoch: 2 })
    await engine.open(topicOf(small))
    await appendTo(engine, 2, 6)
    await engine.close({ drain: true })
    await disk.remove(folder)
    if (how === 'emptied') await disk.makeFolder(folder)
    const { findings } = await verifyFolder({ disk, folder: dataFolder, topics })
    assert.deepEqual(
      findings.map(({ file, code, offsets }) => [file, code, offsets]),
      [['orders-0', 'partition-missing', [0, 24]]],
    )
    for (const _ of [1, 2]) {
      const { isDamaged, manifest, said } = await backUp(disk)
      assert.ok(isDamaged)
      assert.equal(manifest.partitions.length, 2)
      assert.match(said, /orders-0 has no folder any more, and reached to offset 24: the backup keeps what it had/)
    }
    assert.deepEqual(await restored(disk), valuesOf(6))
    const topicIdOf = () => topicOf(small).topicId
    const { steps, left } = await repairFolder({
      ...{ disk, clock, folder: dataFolder, aside: '/aside', from: backup, topics, topicIdOf },
    })
    assert.match(steps[0]!.step, /bring back the folder from the backup, up to offset 17; the 6 after them are not in/)
    assert.deepEqual(
      left.map(({ code }) => code),
      ['log-ends-early'],
      'what came after the backup is lost, and is told',
    )
    const again = await EmbeddedEngine.start({ clock, disk, folder: dataFolder, leaderEpoch: 3 })
    await again.open(topicOf(small))
    const [state] = await again.state([1])
    assert.equal(state!.highWatermark, 24)
    const read = { partition: 1, offset: 18, maxBytes: 1e6, isolation: 'uncommitted' as const }
    const [behind] = await again.read([read], { maxBytes: 1e6, minOne: true })
    assert.ok(behind && !behind.ok && behind.error === 2)
    await again.close({ drain: false })
  }
})

test('a link over a segment that is known to be damaged is told each time', async () => {
  const first = '00000000000000000000'
  const disk = await folderWith({ batches: 10 })
  assert.ok(!(await backUp(disk, false)).isDamaged)
  assert.ok(!(await backUp(disk, false)).isDamaged)
  const range = { segment: 0, fromPosition: 0, toPosition: 88, fromOffset: 0, toOffset: 3, reason: 'rot', foundAt: 1 }
  await writeQuarantine(disk, folder, 0, [range])
  for (const _ of [1, 2]) {
    const { isDamaged, said } = await backUp(disk, false)
    assert.ok(isDamaged)
    assert.ok(said.includes(`${first}.log is damaged, and a link in the backup shares its bytes`), said)
  }
})
