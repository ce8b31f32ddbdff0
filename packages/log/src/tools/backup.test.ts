import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readBatch } from '@odradek/protocol'
import { type Disk, memoryDisk, realClock, simulatedWorld } from '@odradek/world'
import { EmbeddedEngine } from '../embedded-engine.ts'
import { batchOf, recordsOf, topicOf } from '../testing/batches.ts'
import { appendTo, contentOf, dataFolder, flip, folderWith, put } from '../testing/data-folders.ts'
import { backUpFolder } from './backup.ts'
import { readManifest } from './backup-manifest.ts'
import { readJournal } from './journal-file.ts'
import { restoreFolder } from './restore.ts'
import { verifyFolder } from './verify.ts'
import { verifyBackup } from './verify-backup.ts'

const backup = '/backup'
const small = { segmentBytes: 400, indexIntervalBytes: 100 }
const clock = realClock
const backUp = (disk: Disk, options = {}) => backUpFolder({ disk, clock, folder: dataFolder, backup, ...options })
const restore = (disk: Disk, folder = '/restored') => restoreFolder({ disk, clock, backup, folder })

async function recordsIn(disk: Disk, folder: string): Promise<Map<number, string>> {
  const engine = await EmbeddedEngine.start({ clock: realClock, disk, folder, leaderEpoch: 100 })
  await engine.open(topicOf(small))
  const found = new Map<number, string>()
  for (const partition of [1, 2]) {
    for (let offset = (await engine.state([partition]))[0]!.logStartOffset; ; ) {
      const read = { partition, offset, maxBytes: 1e6, isolation: 'uncommitted' as const }
      const [result] = await engine.read([read], { maxBytes: 1e6, minOne: true })
      const records = recordsOf(result, offset)
      for (const each of records) found.set(partition * 1e6 + each.offset, each.value)
      if (records.length === 0) break
      offset = records.at(-1)!.offset + 1
    }
  }
  await engine.close({ drain: false })
  return found
}

test('what is restored holds the same records and ends, and verifies', async () => {
  const disk = await folderWith({ batches: 12 })
  const { manifest, linkedBytes, copiedBytes } = await backUp(disk)
  assert.ok(linkedBytes > 0 && copiedBytes > 0)
  assert.deepEqual(
    manifest.partitions.map(({ topic, index, nextOffset }) => [topic, index, nextOffset]),
    [
      ['orders', 0, 36],
      ['orders', 1, 18],
    ],
  )
  await restore(disk)
  assert.deepEqual((await verifyFolder({ disk, folder: '/restored', deep: true })).findings, [])
  assert.deepEqual(await recordsIn(disk, '/restored'), await recordsIn(disk, dataFolder))
})

test('beside a running engine all that was acknowledged before it began is in it, though segments roll and go', async () => {
  const disk = memoryDisk()
  const engine = await EmbeddedEngine.start({ clock: realClock, disk, folder: dataFolder, leaderEpoch: 1 })
  await engine.open(topicOf(small))
  await appendTo(engine, 20)
  for (let round = 0; round < 4; round++) {
    const from = 20 + round * 15
    const acknowledged = from * 3
    let appending: Promise<void> | undefined
    await backUp(disk, {
      live: true,
      onBytes: () => {
        appending ??= appendTo(engine, 15, from).then(async () => {
          await engine.trim([{ partition: 1, before: round * 9 }])
        })
      },
    })
    await appending
    await disk.remove('/restored')
    await restore(disk)
    const records = await recordsIn(disk, '/restored')
    for (let offset = round * 9; offset < acknowledged; offset++)
      assert.equal(records.get(1e6 + offset), `${Math.floor(offset / 3)}${'abc'[offset % 3]}`)
    assert.deepEqual((await verifyFolder({ disk, folder: '/restored' })).findings, [])
  }
  await engine.close({ drain: false })
})

/** Once, when a file has been read so often, another stands in its place. */
function replacing(disk: Disk, path: string, reads: number, bytes: Uint8Array): Disk {
  let left = reads
  return {
    ...disk,
    open: async (name, mode) => {
      if (name === path && mode === 'read' && left-- === 0) {
        await disk.remove(path)
        await put(disk, path, bytes)
      }
      return disk.open(name, mode)
    },
  }
}

for (const reads of [1, 2])
  test(`a copy of a segment that compaction replaces, after ${reads} reads of it, is made again`, async () => {
    const disk = memoryDisk()
    await folderWith({ disk, batches: 12 })
    const path = `${dataFolder}/orders-0/00000000000000000000.log`
    const whole = await disk.readFile(path)
    const shorter = whole.slice(0, readBatch(whole).sizeInBytes)
    await backUp(replacing(disk, path, reads, shorter), { live: true, copy: true })
    assert.deepEqual((await verifyBackup({ disk, backup }))!.findings, [])
    const stored = (await readManifest(disk, backup))!.partitions[0]!.files.find(({ name }) => path.endsWith(name))!
    assert.equal(stored.size, shorter.length)
  })

test('what is acknowledged by the journal alone is in a backup, too', async () => {
  const { disk } = simulatedWorld({ seed: 3 })
  const engine = await EmbeddedEngine.start({ clock, disk, folder: dataFolder, leaderEpoch: 1 })
  const partitions = Array.from({ length: 60 }, (_, index) => ({ index, id: index + 1 }))
  await engine.open({ ...topicOf(), partitions })
  for (let round = 0; round < 3; round++) {
    const batches = partitions.map(({ id: partition }) => batchOf({ partition, values: [`${round}`] }))
    const answers = await engine.append(batches, { acks: -1, deadline: clock.monotonic() + 10_000 })
    assert.ok(answers.every(({ ok }) => ok))
    const { manifest } = await backUp(disk, { live: true })
    assert.deepEqual(new Set(manifest.partitions.map(({ nextOffset }) => nextOffset)), new Set([round + 1]))
    assert.deepEqual((await verifyFolder({ disk, folder: dataFolder, live: true })).partitions.length, 60)
  }
  const { parts } = await readJournal(disk, dataFolder)
  assert.ok(parts.size > 30, 'commits of many partitions go through the journal')
  await engine.close({ drain: false })
})

test('a repeated backup stores what is new, and leaves nothing behind', async () => {
  const disk = memoryDisk()
  await folderWith({ disk, batches: 12 })
  await backUp(disk)
  const again = await backUp(disk)
  assert.equal(again.keptBytes, again.linkedBytes + again.copiedBytes)
  const engine = await EmbeddedEngine.start({ clock: realClock, disk, folder: dataFolder, leaderEpoch: 2 })
  await engine.open(topicOf(small))
  await appendTo(engine, 8, 12)
  await engine.close({ drain: true })
  const third = await backUp(disk)
  assert.equal(third.manifest.number, 3)
  assert.ok(third.keptBytes > third.linkedBytes / 3)
  const stored = [...(await contentOf(disk, `${backup}/data`)).keys()].map(path => path.split('/').slice(3).join('/'))
  const named = third.manifest.partitions.flatMap(({ topic, index, files }) =>
    files.map(file => `${topic}-${index}/${file.stored}`),
  )
  assert.deepEqual(stored.sort(), named.sort())
  await restore(disk)
  assert.deepEqual(await recordsIn(disk, '/restored'), await recordsIn(disk, dataFolder))
})

test('where links cannot be made everything is copied, and that is said', async () => {
  const { disk } = simulatedWorld({ seed: 1 })
  await folderWith({ disk, batches: 12 })
  disk.fail({ on: 'link', code: 'EXDEV', times: 100 })
  const said: string[] = []
  const { linkedBytes } = await backUp(disk, { say: (remark: string) => said.push(remark) })
  assert.equal(linkedBytes, 0)
  assert.match(said.join(), /everything is copied/)
  const again = await backUp(disk, { copy: true })
  assert.equal(again.keptBytes, again.copiedBytes)
  await restore(disk)
  assert.equal((await recordsIn(disk, '/restored')).size, 54)
})

test('an interrupted backup is recognised, leaves the earlier one good, and the next one goes on', async () => {
  for (let stopAt = 0, failed = true; failed; stopAt++) {
    const { disk } = simulatedWorld({ seed: stopAt })
    await folderWith({ disk, batches: 8 })
    await backUp(disk)
    const engine = await EmbeddedEngine.start({ clock: realClock, disk, folder: dataFolder, leaderEpoch: 2 })
    await engine.open(topicOf(small))
    await appendTo(engine, 8, 8)
    await engine.close({ drain: true })
    const before = await contentOf(disk)
    const heal = disk.fail({ on: 'sync', code: 'EIO', after: stopAt, times: 1000, path: backup })
    failed = await backUp(disk).then(
      () => false,
      () => true,
    )
    heal()
    assert.deepEqual(await contentOf(disk), before, 'the data folder is as it was')
    const said: string[] = []
    await restoreFolder({ disk, clock, backup, folder: '/restored', say: remark => said.push(remark) })
    if (failed && (await readManifest(disk, backup))!.number === 1) {
      assert.match(said.join(), /was not finished/)
      assert.equal((await recordsIn(disk, '/restored')).size, 36)
    }
    await backUp(disk)
    await restore(disk, '/again')
    assert.equal((await recordsIn(disk, '/again')).size, 72)
  }
})

test('a backup that is no more what was stored is not restored, and the message names the file', async () => {
  const disk = await folderWith()
  await backUp(disk)
  const path = `${backup}/data/orders-0/00000000000000000000.index`
  await flip(disk, path, 30)
  assert.deepEqual(
    (await verifyBackup({ disk, backup }))!.findings.map(({ file, code }) => [file, code]),
    [['data/orders-0/00000000000000000000.index', 'backup-damaged']],
  )
  await assert.rejects(
    restore(disk),
    /00000000000000000000\.index is not what was backed up.*checksum.*Nothing was restored/,
  )
  await flip(disk, path, 30)
  await flip(disk, `${backup}/manifest.json`, 40)
  await assert.rejects(restore(disk), /manifest/)
  await assert.rejects(restoreFolder({ disk, clock, backup: '/nowhere', folder: '/restored' }), /is no backup/)
  await flip(disk, `${backup}/manifest.json`, 40)
  await assert.rejects(restore(disk, dataFolder), /not empty/)
  assert.deepEqual((await verifyBackup({ disk, backup }))!.findings, [])
  await restore(disk)
})

test('segments that compaction merges under a backup are taken as they were, or as they are, never half', async () => {
  const disk = await folderWith({ batches: 16 })
  const folder = `${dataFolder}/orders-0`
  const [first, second, third] = (await disk.list(folder)).filter(name => name.endsWith('.log'))
  for (const at of [first, second, third]) {
    await disk.remove(backup)
    const merged = Buffer.concat([
      await disk.readFile(`${folder}/${first}`),
      await disk.readFile(`${folder}/${second}`),
    ])
    const merge = async () => {
      await put(disk, `${folder}/${first}.cleaned`, merged)
      await disk.rename(
        `${folder}/${first}.cleaned`,
        `${folder}/${first!.replace('.log', '')}-${second!.replace('.log', '')}.swap`,
      )
      await disk.remove(`${folder}/${second}`)
      await disk.rename(
        `${folder}/${first!.replace('.log', '')}-${second!.replace('.log', '')}.swap`,
        `${folder}/${first}`,
      )
    }
    const separate = [await disk.readFile(`${folder}/${first}`), await disk.readFile(`${folder}/${second}`)]
    let seen = 0
    await backUp(disk, {
      live: true,
      onBytes: () => {
        if (++seen === 1 + 4 * [first, second, third].indexOf(at)) void merge()
      },
    })
    await disk.remove('/restored')
    await restore(disk)
    assert.deepEqual((await verifyFolder({ disk, folder: '/restored', topics: notCompacted })).findings, [])
    // Segments of different times together could bring back a record whose tombstone is gone.
    assert.deepEqual(await disk.readFile(`/restored/orders-0/${first}`), await disk.readFile(`${folder}/${first}`))
    for (const [i, name] of [first, second].entries()) {
      const file = await disk.open(`${folder}/${name}`, 'fresh')
      file.write(0, [separate[i]!])
      await file.close()
    }
  }
})

const notCompacted = () => ({ name: 'orders', compacted: false })

test('a link in an unfinished backup is never written through', async () => {
  const { disk } = simulatedWorld({ seed: 1 })
  await folderWith({ disk, batches: 12 })
  const before = await contentOf(disk)
  const heal = disk.fail({ on: 'sync', code: 'EIO', after: 8, times: 1000, path: backup })
  await assert.rejects(backUp(disk))
  heal()
  await backUp(disk, { copy: true })
  assert.deepEqual(await contentOf(disk), before)
})

test('a file whose name looks like a partition is passed over', async () => {
  const disk = await folderWith()
  await put(disk, `${dataFolder}/metadata.db.damaged-1`, Buffer.from('old'))
  const { manifest } = await backUpFolder({ disk, clock: realClock, folder: dataFolder, backup: '/backup' })
  assert.equal(manifest.partitions.length, 2)
})

test("a folder with somebody else's files is refused, and nothing in it is touched", async () => {
  const disk = await folderWith()
  await disk.makeFolder('/photos/data')
  await put(disk, '/photos/data/cat.jpg', Buffer.from('cat'))
  await assert.rejects(
    backUpFolder({ disk, clock: realClock, folder: dataFolder, backup: '/photos' }),
    /not empty and holds no backup.*name an empty folder/,
  )
  assert.deepEqual([...(await contentOf(disk, '/photos')).keys()], ['/photos/data/cat.jpg'])
})
