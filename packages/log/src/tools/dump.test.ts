import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { decodeRecords, encodeBatch, encodeControlBatch } from '@odradek/protocol'
import { type Disk, memoryDisk, realDisk } from '@odradek/world'
import { dataFolder, flip, folderWith, put } from '../testing/data-folders.ts'
import { batchRow, type DumpedBatch, dumpFile, dumpSegments } from './dump.ts'
import type { DumpRow } from './dump-row.ts'

const orders = `${dataFolder}/orders-0`
const first = '00000000000000000000.log'

async function batchesOf(disk: Disk, paths: string[], options = {}): Promise<DumpedBatch[]> {
  const batches: DumpedBatch[] = []
  for await (const piece of dumpSegments(disk, paths, options)) batches.push(...piece.batches)
  return batches
}

test('batches come from the one with the offset on, over segments, as many as are asked for', async () => {
  const disk = await folderWith({ batches: 12 })
  const paths = (await disk.list(orders)).filter(name => name.endsWith('.log')).map(name => `${orders}/${name}`)
  assert.ok(paths.length > 2)
  const all = await batchesOf(disk, paths)
  assert.deepEqual(
    all.map(({ header }) => header.baseOffset),
    Array.from({ length: 12 }, (_, i) => i * 3),
  )
  const some = await batchesOf(disk, paths, { from: 13, count: 3 })
  assert.deepEqual(
    some.map(({ header }) => header.baseOffset),
    [12, 15, 18],
  )
  const { header, bytes } = some[0]!
  assert.deepEqual(
    [...decodeRecords(bytes, header.at)].map(({ value }) => Buffer.from(value!).toString()),
    ['4a', '4b', '4c'],
  )
})

test('many batches come a few hundred at a time; damage between them is told of and passed over', async () => {
  const disk = memoryDisk()
  await disk.makeFolder(orders)
  const batches = Array.from({ length: 1200 }, (_, i) => encodeBatch([{ value: `${i}` }], { baseOffset: i }))
  await put(disk, `${orders}/${first}`, Buffer.concat(batches))
  const at = batches.slice(0, 700).reduce((sum, { length }) => sum + length, 0)
  await flip(disk, `${orders}/${first}`, at + 65)
  const pieces = await Array.fromAsync(dumpSegments(disk, [`${orders}/${first}`]))
  assert.deepEqual(
    pieces.map(({ batches: { length } }) => length),
    [500, 500, 199],
  )
  assert.deepEqual(
    pieces
      .flatMap(({ damaged }) => damaged)
      .map(({ position, fromOffset, toOffset }) => [position, fromOffset, toOffset]),
    [[at, 700, 701]],
  )
})

test('the other files say what they hold; what is none of ours, or damaged, is refused', async () => {
  const disk = await folderWith()
  const rows = async (path: string): Promise<DumpRow[]> => [...(await dumpFile(disk, path))]
  assert.equal((await rows(`${orders}/${first.replace('log', 'index')}`))[0]!.nextOffset, 12)
  assert.equal((await rows(`${orders}/partition.metadata`))[0]!.topicId, '0b54ae27-c8a1-4d0e-b3a5-1f4d8a3b9c01')
  const snapshot = (await disk.list(orders)).findLast(name => name.endsWith('.snapshot'))!
  assert.equal((await rows(`${orders}/${snapshot}`))[0]!.producerId, '7')
  assert.ok((await rows(`${dataFolder}/checkpoint`)).some(({ durableOffset }) => durableOffset === 30))
  await assert.rejects(rows(`${dataFolder}/clean-shutdown`), /none of the files that can be dumped: segment, sidecar/)
  await flip(disk, `${orders}/${snapshot}`, 30)
  await assert.rejects(rows(`${orders}/${snapshot}`), /is damaged.*log verify/)
})

const jars = join(homedir(), '.cache/odradek/apache-kafka-4.3.1')
const hasKafka = existsSync(jars) && spawnSync('java', ['-version']).status === 0

test("Kafka's own DumpLogSegments sees the same batches", {
  skip: !hasKafka && 'Apache Kafka is not here',
}, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-dump-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, first)
  const producer = { producerId: 9n, producerEpoch: 3 }
  await put(
    realDisk,
    path,
    Buffer.concat([
      encodeBatch([{ key: 'k', value: 'v', timestamp: 1000 }], { baseOffset: 0, leaderEpoch: 1 }),
      encodeBatch(
        ['a', 'b'].map(value => ({ value: value.repeat(500), timestamp: 2000 })),
        { baseOffset: 1, leaderEpoch: 2, compression: 'zstd', ...producer, baseSequence: 0, transactional: true },
      ),
      encodeControlBatch({
        type: 'commit',
        coordinatorEpoch: 4,
        ...producer,
        timestamp: 3000,
        baseOffset: 3,
        leaderEpoch: 2,
      }),
    ]),
  )
  const { stdout } = spawnSync(
    'java',
    ['-cp', `${jars}/*`, 'org.apache.kafka.tools.DumpLogSegments', '--files', path],
    {
      encoding: 'utf8',
    },
  )
  const theirs = stdout
    .split('\n')
    .filter(line => line.startsWith('baseOffset:'))
    .map(line => Object.fromEntries([...line.matchAll(/(\w+): (\S+)/g)].map(([, name, value]) => [name, value])))
  const ours = (await batchesOf(realDisk, [path])).map(batchRow)
  assert.equal(theirs.length, 3, stdout)
  for (const [i, row] of ours.entries()) {
    const their = theirs[i]!
    assert.deepEqual(
      {
        ...{ baseOffset: row.baseOffset, lastOffset: row.lastOffset, count: row.count, position: row.position },
        ...{
          size: row.size,
          magic: row.magic,
          leaderEpoch: row.leaderEpoch,
          crc: Number.parseInt(String(row.crc), 16),
        },
        ...{ producerId: row.producerId, producerEpoch: row.producerEpoch, baseSequence: row.baseSequence },
        ...{ transactional: row.transactional, control: row.control, time: row.maxTimestamp, codec: row.compression },
      },
      {
        ...{ baseOffset: Number(their.baseOffset), lastOffset: Number(their.lastOffset), count: Number(their.count) },
        ...{ position: Number(their.position), size: Number(their.size), magic: Number(their.magic) },
        ...{ leaderEpoch: Number(their.partitionLeaderEpoch), crc: Number(their.crc), producerId: their.producerId },
        ...{ producerEpoch: Number(their.producerEpoch), baseSequence: Number(their.baseSequence) },
        ...{ transactional: their.isTransactional === 'true', control: their.isControl === 'true' },
        ...{ time: Number(their.CreateTime), codec: their.compresscodec },
      },
    )
    assert.equal(their.isvalid, 'true')
  }
})
