import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCodes, eachBatch, encodeBatch } from '@odradek/protocol'
import { type Disk, realClock } from '@odradek/world'
import { writeCleanedOffset } from '../compaction/cleaned-offset.ts'
import { cleanedOffsetName } from '../compaction/compaction-files.ts'
import { writeQuarantine } from '../damage/quarantine-file.ts'
import { EmbeddedEngine } from '../embedded-engine.ts'
import { topicOf } from '../testing/batches.ts'
import { contentOf, cut, dataFolder, flip, folderWith, put } from '../testing/data-folders.ts'
import { backUpFolder } from './backup.ts'
import { repairFolder } from './repair.ts'
import { verifyFolder } from './verify.ts'

const orders = `${dataFolder}/orders-0`
const first = '00000000000000000000'
const clock = realClock
const topicId = '0b54ae27-c8a1-4d0e-b3a5-1f4d8a3b9c01'
const topics = () => ({ name: 'orders', compacted: false })
const repair = (disk: Disk, options = {}) =>
  repairFolder({ disk, clock, folder: dataFolder, aside: '/aside', topicIdOf: () => topicId, topics, ...options })
const codes = async (disk: Disk) =>
  (await verifyFolder({ disk, folder: dataFolder, topics })).findings.map(({ code }) => code)
const backedUp = async (disk: Disk) => {
  await backUpFolder({ disk, clock, folder: dataFolder, backup: '/backup', copy: true })
  return disk
}

/** A hand, or a disk, that harms the folder in one way; what verify says then. */
const harms: Record<string, { codes: string[]; harm: (disk: Disk) => Promise<void>; clean?: boolean }> = {
  'a bit of a batch': { codes: ['segment-damaged'], harm: disk => flip(disk, `${orders}/${first}.log`, 250) },
  'two batches': {
    codes: ['segment-damaged', 'segment-damaged'],
    harm: async disk => {
      await flip(disk, `${orders}/${first}.log`, 80)
      await flip(disk, `${orders}/${first}.log`, 340)
    },
  },
  'the end of the log': {
    codes: ['segment-damaged', 'sidecar-untrue'],
    harm: async disk => cut(disk, await lastSegment(disk), (await disk.readFile(await lastSegment(disk))).length - 30),
  },
  'all of the last segment': {
    codes: ['sidecar-untrue', 'log-ends-early'],
    harm: async disk => cut(disk, await lastSegment(disk), 0),
  },
  'a segment in the middle': {
    codes: ['segment-missing'],
    harm: async disk => disk.remove(`${orders}/${(await disk.list(orders)).filter(name => name.endsWith('.log'))[1]}`),
  },
  'the first segment': { codes: ['log-starts-late'], harm: disk => disk.remove(`${orders}/${first}.log`) },
  'the folder': { codes: ['partition-missing'], harm: disk => disk.remove(orders) },
  'an index': { codes: ['sidecar-damaged'], harm: disk => flip(disk, `${orders}/${first}.index`, 75) },
  'a missing index': { codes: ['sidecar-missing'], harm: disk => disk.remove(`${orders}/${first}.index`) },
  'a snapshot': {
    codes: ['snapshot-damaged'],
    harm: async disk =>
      flip(disk, `${orders}/${(await disk.list(orders)).find(name => name.endsWith('.snapshot'))}`, 40),
  },
  'the owner': {
    codes: ['owner-damaged'],
    harm: disk => put(disk, `${orders}/partition.metadata`, Buffer.from('nobody')),
  },
  'a torn tail': {
    codes: ['torn-tail'],
    clean: false,
    harm: async disk =>
      put(disk, await lastSegment(disk), Buffer.alloc(40, 7), (await disk.readFile(await lastSegment(disk))).length),
  },
  'a slot of the checkpoint': {
    codes: ['checkpoint-damaged', 'checkpoint-damaged'],
    harm: disk => put(disk, `${dataFolder}/checkpoint`, Buffer.alloc(128, 9), 64),
  },
}

async function lastSegment(disk: Disk): Promise<string> {
  return `${orders}/${(await disk.list(orders)).findLast(name => name.endsWith('.log'))}`
}

for (const [what, { codes: expected, harm, clean = true }] of Object.entries(harms)) {
  test(`${what} harmed: a dry run changes nothing, a repair with a backup brings everything back`, async () => {
    const disk = await backedUp(await folderWith({ batches: 10, clean }))
    const whole = await segmentsOf(disk)
    await harm(disk)
    assert.deepEqual((await codes(disk)).sort(), expected.toSorted())
    const harmed = await contentOf(disk, dataFolder)
    const planned = await repair(disk, { from: '/backup', dryRun: true })
    assert.deepEqual(await contentOf(disk, dataFolder), harmed)
    assert.equal(await disk.exists('/aside'), false)
    const done = await repair(disk, { from: '/backup' })
    assert.deepEqual(done.steps, planned.steps, 'a dry run says what is done')
    assert.deepEqual(done.left, [])
    for (const { file } of done.steps.filter(({ step }) => /^bring back/.test(step)).slice(-1)) {
      if (!harmed.has(`${dataFolder}/${file}`)) continue
      const kept = Buffer.from(await disk.readFile(`/aside/${file}`)).toString('base64')
      if (done.steps.filter(each => each.file === file).length === 1)
        assert.equal(kept, harmed.get(`${dataFolder}/${file}`), 'what it was is put aside')
    }
    assert.deepEqual(await codes(disk), [])
    assert.deepEqual(await segmentsOf(disk), whole)
  })
}

test('without a backup damaged ranges go into quarantine, and what was changed is put aside', async () => {
  const disk = await folderWith()
  await flip(disk, `${orders}/${first}.log`, 250)
  await flip(disk, `${orders}/${first}.index`, 80)
  const index = await disk.readFile(`${orders}/${first}.index`)
  const { steps, left } = await repair(disk)
  assert.match(steps.map(({ step }) => step).join('\n'), /put offsets 6 to 8 in quarantine[\s\S]*make the index again/)
  assert.deepEqual(
    left.map(({ code, offsets }) => [code, offsets]),
    [['quarantined', [6, 9]]],
  )
  assert.deepEqual(await disk.readFile(`/aside/orders-0/${first}.index`), index)
  await backedUpFrom(disk)
  const { left: still } = await repair(disk, { from: '/other', aside: '/aside-2' })
  assert.deepEqual(still, [])
  assert.equal(await disk.exists(`${orders}/${first}.quarantine`), false)
})

test('an engine starts on what was repaired: it answers for what is lost, and serves the rest', async () => {
  for (const harm of ['a bit of a batch', 'the end of the log', 'all of the last segment'] as const) {
    const disk = await folderWith()
    await harms[harm]!.harm(disk)
    const { left } = await repair(disk)
    const lost = left.flatMap(({ offsets }) => (offsets === undefined ? [] : [offsets]))
    assert.equal(lost.length, 1, harm)
    const engine = await EmbeddedEngine.start({ clock, disk, folder: dataFolder, leaderEpoch: 2 })
    await engine.open(topicOf({ segmentBytes: 400, indexIntervalBytes: 100 }))
    for (let offset = 0; offset < 30; offset++) {
      const read = { partition: 1, offset, maxBytes: 1, isolation: 'uncommitted' as const }
      const [result] = await engine.read([read], { maxBytes: 1, minOne: true })
      const isLost = offset >= lost[0]![0] && offset < lost[0]![1]
      assert.equal(result!.ok, !isLost, `${harm}, offset ${offset}`)
      if (!result!.ok) assert.equal(result!.error, ErrorCodes.CORRUPT_MESSAGE)
    }
    await engine.close({ drain: true })
    const after = (await verifyFolder({ disk, folder: dataFolder })).findings
    assert.deepEqual(
      after.filter(({ code }) => code !== 'quarantined'),
      [],
      harm,
    )
  }
})

test('what a backup lacks goes into quarantine, what it has comes back', async () => {
  const disk = await folderWith({ batches: 4, config: { segmentBytes: 1 << 20 } })
  await backUpFolder({ disk, clock, folder: dataFolder, backup: '/backup', copy: true })
  const grown = await folderWith({ batches: 8, config: { segmentBytes: 1 << 20 } })
  await cut(grown, `${orders}/${first}.log`, 100)
  for (const [path, bytes] of await contentOf(disk, '/backup')) {
    await grown.makeFolder(path.slice(0, path.lastIndexOf('/')))
    await put(grown, path, Buffer.from(bytes, 'base64'))
  }
  const { left } = await repair(grown, { from: '/backup' })
  assert.deepEqual(
    left.map(({ code, offsets }) => [code, offsets]),
    [['quarantined', [12, 24]]],
  )
})

async function segmentsOf(disk: Disk): Promise<Map<string, string>> {
  return new Map([...(await contentOf(disk, dataFolder))].filter(([path]) => path.endsWith('.log')))
}

/** A backup of an equal folder that was not harmed. */
async function backedUpFrom(disk: Disk): Promise<void> {
  const other = await folderWith()
  await backUpFolder({ disk: other, clock, folder: dataFolder, backup: '/other', copy: true })
  for (const [path, bytes] of await contentOf(other, '/other')) {
    await disk.makeFolder(path.slice(0, path.lastIndexOf('/')))
    await put(disk, path, Buffer.from(bytes, 'base64'))
  }
}

/** Closed segments that have kept their first and third batch, and the mark of compaction. */
async function compactedFolder(): Promise<Disk> {
  const disk = await folderWith({ batches: 12 })
  const names = (await disk.list(orders)).filter(name => name.endsWith('.log'))
  for (const name of names.slice(0, -1)) {
    const bytes = await disk.readFile(`${orders}/${name}`)
    const batches = [...eachBatch(bytes)]
    const kept = Buffer.concat([batches[0]!, batches[2]!].map(({ at, end }) => bytes.slice(at, end)))
    await disk.remove(`${orders}/${name}`)
    await put(disk, `${orders}/${name}`, kept)
    await disk.remove(`${orders}/${name.replace('log', 'index')}`)
  }
  await put(disk, `${orders}/${cleanedOffsetName}`, Buffer.from('that it is there says it'))
  return disk
}

test('holes of compaction are none of what is lost: a backup heals the segment whole, and its quarantine goes', async () => {
  const compacted = () => ({ name: 'orders', compacted: true })
  const disk = await backedUp(await compactedFolder())
  const whole = await segmentsOf(disk)
  const damage = async () =>
    (await verifyFolder({ disk, folder: dataFolder, topics: compacted })).findings.filter(
      ({ code }) => code === 'segment-damaged' || code === 'quarantined',
    )
  const { length } = await disk.readFile(`${orders}/${first}.log`)
  for (const byte of [70, length - 3]) await flip(disk, `${orders}/${first}.log`, byte)
  assert.equal((await damage())[0]!.offsets![0], 0)
  await repair(disk, { topics: compacted })
  assert.ok((await damage()).every(({ code }) => code === 'quarantined'))
  const { left, steps } = await repair(disk, { from: '/backup', aside: '/aside-2', topics: compacted })
  assert.deepEqual(left, [])
  assert.doesNotMatch(steps.map(({ step }) => step).join(), /not in the backup/)
  assert.deepEqual(await segmentsOf(disk), whole)
  assert.equal(await disk.exists(`${orders}/${first}.quarantine`), false)
})

test('a hole before a damaged batch is not lost with it, and a quarantine of holes alone goes', async () => {
  const compacted = () => ({ name: 'orders', compacted: true })
  const disk = await backedUp(await compactedFolder())
  const path = `${orders}/${first}.log`
  const [one, two] = [...eachBatch(await disk.readFile(path))]
  const bytes = await disk.readFile(path)
  const third = encodeBatch([{ value: 'x' }], { baseOffset: two!.lastOffset + 1, leaderEpoch: 1 })
  await put(disk, path, third, bytes.length)
  await flip(disk, path, two!.at + 70)
  const { findings } = await verifyFolder({ disk, folder: dataFolder, topics: compacted })
  assert.deepEqual(
    findings.filter(({ code }) => code === 'segment-damaged').map(({ offsets }) => offsets),
    [[two!.baseOffset, two!.lastOffset + 1]],
  )
  assert.ok(two!.baseOffset > one!.lastOffset + 1)
  await disk.remove(path)
  await put(disk, path, bytes)
  const hole = {
    fromOffset: one!.lastOffset + 1,
    toOffset: two!.baseOffset,
    fromPosition: one!.end,
    toPosition: one!.end,
  }
  await writeQuarantine(disk, orders, 0, [{ ...hole, segment: 0, reason: 'gone', foundAt: 0 }])
  const { left } = await repair(disk, { from: '/backup', topics: compacted })
  assert.deepEqual(left, [])
  assert.equal(await disk.exists(`${orders}/${first}.quarantine`), false)
})

test('what a backup has from before a pass of compaction does not come back: a key that was deleted would', async () => {
  for (const isSame of [true, false]) {
    const disk = await folderWith()
    await writeCleanedOffset(disk, orders, { topicId, offset: 12 })
    await backedUp(disk)
    await writeCleanedOffset(disk, orders, { topicId, offset: isSame ? 12 : 24 })
    await flip(disk, `${orders}/${first}.log`, 80)
    const { steps } = await repair(disk, { from: '/backup' })
    const { step } = steps[0]!
    if (isSame) assert.match(step, /bring back offsets 0 to 2/)
    else assert.match(step, /put offsets 0 to 2 in quarantine.*from before a pass of compaction.*would be there again/)
    assert.deepEqual(await codes(disk), isSame ? [] : ['quarantined'])
  }
})

test('a log that has lost every segment comes back in one', async () => {
  const disk = await backedUp(await folderWith())
  const whole = [...(await segmentsOf(disk))].filter(([path]) => path.startsWith(orders))
  for (const [path] of whole) await disk.remove(path)
  assert.deepEqual(await codes(disk), ['log-ends-early'])
  const { left } = await repair(disk, { from: '/backup' })
  assert.deepEqual([left, (await codes(disk)).filter(code => code !== 'sidecar-missing')], [[], []])
  const bytes = whole.map(([, text]) => Buffer.from(text, 'base64'))
  assert.deepEqual(Buffer.from(await disk.readFile(`${orders}/${first}.log`)), Buffer.concat(bytes))
})

test('the mark of an orderly end is removed once', async () => {
  const disk = await folderWith()
  for (const partition of ['orders-0', 'orders-1']) await flip(disk, `${dataFolder}/${partition}/${first}.log`, 80)
  const { steps } = await repair(disk)
  assert.equal(steps.filter(({ file }) => file === 'clean-shutdown').length, 1)
})
