import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeBatch } from '@odradek/protocol'
import { memoryDisk, realClock } from '@odradek/world'
import { writeScrubPass } from '../damage/scrub-file.ts'
import { EmbeddedEngine } from '../embedded-engine.ts'
import { Checkpoint, partitionKey } from '../folder/checkpoint.ts'
import { encodeGroup, largestGroup } from '../journal/journal-group.ts'
import { topicOf } from '../testing/batches.ts'
import { appendTo, contentOf, cut, dataFolder, flip, folderWith, put } from '../testing/data-folders.ts'
import { findingKinds } from './finding.ts'
import { verifyFolder } from './verify.ts'

const orders = `${dataFolder}/orders-0`
const segment = (base: number) => `${String(base).padStart(20, '0')}.log`

async function findings(disk: Awaited<ReturnType<typeof folderWith>>, options = {}) {
  const before = await contentOf(disk)
  const report = await verifyFolder({ disk, folder: dataFolder, ...options })
  assert.deepEqual(await contentOf(disk), before, 'nothing is changed')
  return report.findings.map(({ problem: _, ...rest }) => rest)
}

async function startAndEnd(disk: Awaited<ReturnType<typeof folderWith>>): Promise<void> {
  const engine = await EmbeddedEngine.start({ clock: realClock, disk, folder: dataFolder, leaderEpoch: 2 })
  await engine.open(topicOf())
  await engine.close({ drain: true })
}

test('an orderly folder has nothing to say, and every record and byte of it is counted', async () => {
  const disk = await folderWith()
  let seen = 0
  const report = await verifyFolder({ disk, folder: dataFolder, deep: true, onBytes: bytes => (seen += bytes) })
  assert.deepEqual(report.findings, [])
  assert.deepEqual(
    report.partitions.map(({ folder, records, firstOffset, nextOffset }) => [folder, records, firstOffset, nextOffset]),
    [
      ['orders-0', 30, 0, 30],
      ['orders-1', 15, 0, 15],
    ],
  )
  assert.equal(seen, report.bytes)
  const one = await verifyFolder({ disk, folder: dataFolder, topic: 'orders', partition: 1 })
  assert.deepEqual(
    one.partitions.map(({ folder }) => folder),
    ['orders-1'],
  )
})

test('a flipped bit in a batch is found at the byte where the batch begins, with the offsets that are lost', async () => {
  const disk = await folderWith()
  const { at, next } = await secondBatch(disk)
  await flip(disk, `${orders}/${segment(0)}`, at + 70)
  assert.deepEqual(await findings(disk), [
    { file: `orders-0/${segment(0)}`, code: 'segment-damaged', byte: at, bytes: next - at, offsets: [3, 6] },
  ])
})

test('bytes behind what is durable are a torn write; before it, or after an orderly end, they are damage', async () => {
  const dirty = await folderWith({ clean: false, hasJournal: false })
  const last = (await dirty.list(orders)).findLast(name => name.endsWith('.log'))!
  const size = (await dirty.readFile(`${orders}/${last}`)).length
  await put(dirty, `${orders}/${last}`, new Uint8Array(50).fill(2), size)
  assert.deepEqual(await findings(dirty), [{ file: `orders-0/${last}`, code: 'torn-tail', byte: size, bytes: 50 }])

  await cut(dirty, `${orders}/${last}`, size - 1)
  const [found] = await findings(dirty)
  assert.equal(found!.code, 'segment-damaged')
  assert.equal(found!.offsets![1], 30)

  const clean = await folderWith()
  await put(clean, `${orders}/${last}`, new Uint8Array(50).fill(2), size)
  assert.deepEqual(
    (await findings(clean)).map(({ code }) => code),
    ['segment-damaged'],
  )
})

test('a slot of the checkpoint that power failed in while it was first written is free again after a start', async () => {
  const disk = await folderWith()
  const path = `${dataFolder}/checkpoint`
  const { length } = await disk.readFile(path)
  await put(disk, path, new Uint8Array(64).fill(7), length)
  assert.deepEqual(await findings(disk), [{ file: 'checkpoint', code: 'checkpoint-damaged', byte: length, bytes: 64 }])
  await startAndEnd(disk)
  assert.deepEqual(await findings(disk), [])
})

test('an end that the journal has is not damage, and a group of the journal that is damaged is', async () => {
  const disk = await folderWith({ clean: false })
  await disk.remove(`${dataFolder}/journal`)
  const path = `${orders}/${(await disk.list(orders)).findLast(name => name.endsWith('.log'))}`
  const bytes = await disk.readFile(path)
  const entry = {
    owner: { topicId: topicOf().topicId, topic: 'orders', index: 0 },
    ...{ segment: Number(path.slice(-24, -4)), position: 0, nextOffset: 30, chunks: [bytes], bytes: bytes.length },
  }
  const group = (number: number) => encodeGroup(Buffer.alloc(largestGroup), { sequence: 1, number }, [entry])
  await disk.makeFolder(`${dataFolder}/journal`)
  await put(disk, `${dataFolder}/journal/1.journal`, Buffer.concat([group(0), group(1)]))
  for (const size of [bytes.length - 10, 0]) {
    await cut(disk, path, size)
    assert.deepEqual(
      (await findings(disk)).map(({ code }) => code),
      ['in-journal'],
    )
  }
  await flip(disk, `${dataFolder}/journal/1.journal`, 100)
  assert.deepEqual(
    (await findings(disk)).map(({ code }) => code),
    ['journal-damaged', 'in-journal'],
  )
})

test('a log that was cut between two batches ends too early', async () => {
  const disk = await folderWith()
  const last = (await disk.list(orders)).findLast(name => name.endsWith('.log'))!
  await cut(disk, `${orders}/${last}`, 0)
  const found = await findings(disk)
  assert.deepEqual(
    found.map(({ code, offsets }) => [code, offsets]),
    [
      ['sidecar-untrue', undefined],
      ['log-ends-early', [Number(last.slice(0, 20)), 30]],
    ],
  )
})

test('a missing segment is damage where the topic is not compacted, and a note where that is not known', async () => {
  const disk = await folderWith({ batches: 20 })
  const bases = (await disk.list(orders)).filter(name => name.endsWith('.log'))
  await disk.remove(`${orders}/${bases[1]}`)
  const topics = (compacted: boolean) => () => ({ name: 'orders', compacted })
  const codes = async (options = {}) => (await findings(disk, options)).map(({ code }) => code)
  assert.deepEqual(await codes({ topics: topics(false) }), ['segment-missing'])
  assert.deepEqual(await codes({ topics: topics(true) }), ['offset-gap'])
  assert.deepEqual(await codes(), ['offset-gap'])
  await disk.remove(`${orders}/${bases[0]}`)
  assert.deepEqual(await codes(), ['log-starts-late'])
})

test('flipped bits in what is beside the segments are found where they are', async () => {
  const disk = await folderWith()
  const names = await disk.list(orders)
  const snapshot = names.find(name => name.endsWith('.snapshot'))!
  await flip(disk, `${orders}/${snapshot}`, 30)
  await flip(disk, `${orders}/${segment(0).replace('log', 'index')}`, 80)
  await flip(disk, `${dataFolder}/checkpoint`, 64 + 40)
  await flip(disk, `${orders}/partition.metadata`, 15)
  await put(disk, `${orders}/notes.txt`, Buffer.from('hello'))
  await writeScrubPass(disk, dataFolder, { startedAt: 1, endedAt: 2, durationMs: 1, bytes: 3, damaged: 0, doubtful: 0 })
  await flip(disk, `${dataFolder}/scrub`, 20)
  await disk.remove(`${orders}/${names.filter(name => name.endsWith('.index'))[1]}`)
  const found = (await findings(disk)).map(({ file, code }) => `${file} ${code}`)
  for (const expected of [
    `orders-0/${snapshot} snapshot-damaged`,
    `orders-0/${segment(0).replace('log', 'index')} sidecar-damaged`,
    `orders-0/${names.filter(name => name.endsWith('.index'))[1]} sidecar-missing`,
    'checkpoint slot-damaged',
    'scrub scrub-damaged',
    'orders-0/partition.metadata owner-damaged',
    'orders-0/notes.txt unknown-file',
  ])
    assert.ok(found.includes(expected), `${expected} in ${found.join(', ')}`)
  assert.equal(found.length, 7, found.join(', '))
})

test('beside a running engine nothing half written is taken for damage', async () => {
  const disk = memoryDisk()
  const engine = await EmbeddedEngine.start({ clock: realClock, disk, folder: dataFolder, leaderEpoch: 1 })
  await engine.open(topicOf({ segmentBytes: 2000, indexIntervalBytes: 100 }))
  const appending = appendTo(engine, 80)
  let done = false
  void appending.then(() => {
    done = true
  })
  for (let looks = 0; !done || looks === 0; looks++) {
    await new Promise(setImmediate)
    const report = await verifyFolder({ disk, folder: dataFolder, live: true })
    assert.deepEqual(
      report.findings.filter(({ code }) => code !== 'sidecar-missing'),
      [],
    )
  }
  await appending
  const report = await verifyFolder({ disk, folder: dataFolder, live: true, deep: true })
  assert.equal(report.partitions[0]!.records, 240)
  await engine.close({ drain: false })
})

test('beside a running broker a sidecar written since the ends were read makes no log end early', async () => {
  const disk = await folderWith()
  const last = Number((await disk.list(orders)).findLast(name => name.endsWith('.log'))!.slice(0, 20))
  await disk.remove(`${dataFolder}/checkpoint`)
  const checkpoint = await Checkpoint.open(realClock, disk, dataFolder)
  const slot = checkpoint.claim(partitionKey(topicOf().topicId, 0))
  checkpoint.write(slot, { durableOffset: last, logStartOffset: 0 })
  await checkpoint.sync()
  await checkpoint.close()
  assert.deepEqual(await findings(disk, { live: true }), [])
})

test('segments that compaction replaces under a look beside a broker are looked at again', async () => {
  const disk = await folderWith({ batches: 16 })
  const [first, second] = (await disk.list(orders)).filter(name => name.endsWith('.log'))
  const merged = Buffer.concat([await disk.readFile(`${orders}/${first}`), await disk.readFile(`${orders}/${second}`)])
  let isMerged = false
  const merge = async () => {
    isMerged = true
    await put(disk, `${orders}/${first}.cleaned`, merged)
    await disk.remove(`${orders}/${first!.replace('log', 'index')}`)
    await disk.remove(`${orders}/${second!.replace('log', 'index')}`)
    await disk.remove(`${orders}/${second}`)
    await disk.rename(`${orders}/${first}.cleaned`, `${orders}/${first}`)
  }
  const topics = () => ({ name: 'orders', compacted: true })
  const { findings: found } = await verifyFolder({
    ...{ disk, folder: dataFolder, live: true, topics },
    onBytes: () => void (isMerged || merge()),
  })
  assert.ok(isMerged)
  assert.deepEqual(
    found.map(({ code }) => code),
    ['sidecar-missing'],
  )
})

test('records that do not decode under a right checksum are found by a deep look alone', async () => {
  const disk = await folderWith({ batches: 0 })
  const bytes = encodeBatch([{ value: 'abc' }], { baseOffset: 0, leaderEpoch: 1 })
  const { crc32c } = await import('@odradek/protocol')
  bytes[61] = 0x7f
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(17, crc32c(bytes, 21))
  await disk.makeFolder(orders)
  await put(disk, `${orders}/partition.metadata`, Buffer.from(`version: 0\ntopic_id: C1SuJ8ihTQ6zpR9NijucAQ\n`))
  await put(disk, `${orders}/${segment(0)}`, bytes)
  assert.deepEqual(await findings(disk), [])
  assert.deepEqual(await findings(disk, { deep: true }), [
    { file: `orders-0/${segment(0)}`, code: 'records-damaged', byte: 0, bytes: bytes.length, offsets: [0, 1] },
  ])
})

test('a file is no partition, whatever its name: what a start has put aside is a note', async () => {
  const disk = await folderWith()
  await put(disk, `${dataFolder}/checkpoint.damaged-1`, Buffer.from('old'))
  await put(disk, `${dataFolder}/notes-7`, Buffer.from('mine'))
  assert.deepEqual(await findings(disk), [
    { file: 'checkpoint.damaged-1', code: 'leftover-damaged' },
    { file: 'notes-7', code: 'unknown-file' },
  ])
})

test('without the checkpoint that is said, and an end that anything else knows to be durable is no torn write', async () => {
  for (const witness of ['.index', '.snapshot']) {
    const disk = await folderWith({ clean: false })
    const whole = await folderWith()
    const names = await disk.list(orders)
    const last = names.findLast(name => name.endsWith('.log'))!
    const bytes = await disk.readFile(`${orders}/${last}`)
    await disk.remove(`${dataFolder}/journal`)
    await disk.remove(`${dataFolder}/checkpoint`)
    for (const name of names.filter(each => each.endsWith('.snapshot'))) await disk.remove(`${orders}/${name}`)
    const known = (await whole.list(orders)).findLast(name => name.endsWith(witness))!
    await put(disk, `${orders}/${known}`, await whole.readFile(`${orders}/${known}`))
    assert.deepEqual(await findings(disk), [{ file: 'checkpoint', code: 'checkpoint-missing' }], witness)
    await flip(disk, `${orders}/${last}`, bytes.length - 1)
    const [lost, end] = await findings(disk)
    assert.deepEqual([lost!.code, end!.code, end!.offsets?.[1]], ['checkpoint-missing', 'segment-damaged', 30], witness)
  }
})

test('every kind of finding says what it means and how to mend it', () => {
  for (const [code, { meaning, mend }] of Object.entries(findingKinds))
    assert.ok(meaning.length > 20 && mend.length > 10, code)
})

async function secondBatch(disk: Awaited<ReturnType<typeof folderWith>>) {
  const { readBatch } = await import('@odradek/protocol')
  const bytes = await disk.readFile(`${orders}/${segment(0)}`)
  const first = readBatch(bytes)
  return { at: first.end, next: readBatch(bytes, first.end).end }
}

test('the page on repair has every kind of finding, as the table has it', async () => {
  const { readFileSync } = await import('node:fs')
  const page = readFileSync(new URL('../../../../docs/backup-and-repair.md', import.meta.url), 'utf8')
  for (const [code, { severity, meaning, mend }] of Object.entries(findingKinds))
    assert.ok(page.includes(`| \`${code}\` | ${severity} | ${meaning} | ${mend} |`), code)
})
