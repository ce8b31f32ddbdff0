/** Reads everything back from a copy of a golden data folder, with the code as it is now. */
import assert from 'node:assert/strict'
import { appendFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ConsumerRecord, Kafka } from '@odradek/client'
import { ErrorCodes, encodeBatch, Produce } from '@odradek/protocol'
import { realWire } from '@odradek/world'
import { RawClient } from '../../../packages/broker/src/testing/raw-client.ts'
import { produceRequest } from '../../../packages/broker/src/testing/test-broker.ts'
import { ServeProcess } from '../serve-process.ts'
import {
  type GoldenFolder,
  type GoldenProducer,
  type GoldenRecord,
  type GoldenTopic,
  type Manifest,
  text,
} from './golden.ts'

const formats = fileURLToPath(new URL('.', import.meta.url))

/** Producers and offsets of years ago must not have expired. */
const forEver = ['-c', 'producer.id.expiration.ms=2000000000', '-c', 'offsets.retention.minutes=2000000000']

export interface Golden {
  readonly release: string
  readonly name: string
  readonly path: string
  readonly expected: GoldenFolder
}

/** Of every release that left some, the oldest first. */
export function goldens(): Golden[] {
  const releases = readdirSync(formats).filter(name => statSync(join(formats, name)).isDirectory())
  return releases.sort().flatMap(release => {
    const manifest = JSON.parse(readFileSync(join(formats, release, 'manifest.json'), 'utf8')) as Manifest
    return Object.entries(manifest.folders).map(([name, expected]) => {
      return { release, name, path: join(formats, release, name), expected }
    })
  })
}

/** How many records were read. Starts twice: what the first start has made of the folder is read by the second. */
export async function checkGolden({ path, expected }: Golden): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-golden-'))
  try {
    cpSync(path, folder, { recursive: true })
    const read = await readBack(folder, expected, 'first')
    assert.equal(await readBack(folder, expected, 'second'), read)
    return read
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function readBack(folder: string, expected: GoldenFolder, start: 'first' | 'second'): Promise<number> {
  const broker = await ServeProcess.start(['--listen', '127.0.0.1:0', '--data', folder, ...forEver])
  try {
    await using kafka = new Kafka({ brokers: broker.bootstrap })
    const { clusterId } = await kafka.admin().cluster.describe()
    assert.equal(clusterId, expected.clusterId)
    const names = await Array.fromAsync(kafka.admin().topics.list(), topic => topic.name)
    assert.deepEqual(names, expected.topics.map(({ name }) => name).sort())
    let read = 0
    for (const topic of expected.topics) read += await checkTopic(kafka, topic)
    for (const { group, topic, partition, ...committed } of expected.offsets) {
      const found = (await kafka.admin().groups.offsets(group)).find(
        o => o.topic === topic && o.partition === partition,
      )
      assert.deepEqual(
        { offset: found?.offset, metadata: found?.metadata },
        committed,
        `${group} in ${topic}/${partition}`,
      )
    }
    await checkProducers(broker, expected.producers)
    if (start === 'first') await kafka.close()
    assert.equal(await broker.end(start === 'first' ? 'SIGTERM' : 'SIGKILL'), start === 'first' ? 0 : null)
    return read
  } finally {
    await broker.end('SIGKILL')
  }
}

async function checkTopic(kafka: Kafka, { name, id, config, partitions }: GoldenTopic): Promise<number> {
  const admin = kafka.admin()
  assert.equal((await admin.topics.describe(name)).topicId, id, name)
  for (const { name: key, value } of await admin.configs.describe({ topic: name }, { names: Object.keys(config) }))
    assert.equal(value, config[key], `${key} of ${name}`)
  const starts = await admin.topics.offsets(name, 'earliest')
  const ends = await admin.topics.offsets(name, 'latest')
  const bounds = starts.map(({ offset }, i) => [offset, ends[i]!.offset])
  assert.deepEqual(
    bounds,
    partitions.map(({ start, end }) => [start, end]),
    name,
  )
  const found = partitions.map((): GoldenRecord[] => [])
  for await (const record of kafka.read(name)) found[record.partition]!.push(goldenOf(record))
  const isCompacted = config['cleanup.policy'] === 'compact'
  for (const [i, { records }] of partitions.entries())
    assert.deepEqual(
      isCompacted ? lastOfEach(found[i]!) : found[i],
      isCompacted ? lastOfEach(records) : records,
      `${name}/${i}`,
    )
  return found.flat().length
}

/** What compaction may not change: tombstones it drops some day. */
const lastOfEach = (records: readonly GoldenRecord[]) =>
  [...new Map(records.map(record => [record[2], record])).values()].filter(([, , , value]) => value !== null)

export function goldenOf({ offset, timestamp, key, value, headers }: ConsumerRecord): GoldenRecord {
  const list = [...headers].map(([name, content]) => [name, text(content)] as const)
  const record = [offset, timestamp, text(key as Uint8Array | null), text(value as Uint8Array | null)] as const
  return list.length === 0 ? record : [...record, list]
}

/** They are known: their last batch is a duplicate, and a gap after it is refused. Nothing is written. */
async function checkProducers(broker: ServeProcess, producers: readonly GoldenProducer[]): Promise<void> {
  const client = await RawClient.connect(realWire, broker.address)
  for (const { id, epoch, topic, partition, baseSequence, baseOffset, values, compression } of producers) {
    const send = async (sequence: number) => {
      const identity = { compression, producerId: BigInt(id), producerEpoch: epoch, baseSequence: sequence }
      const records = encodeBatch(
        values.map(value => ({ value, timestamp: 1_700_000_000_000 })),
        identity,
      )
      const { responses } = await client.call(Produce, 9, produceRequest(topic, records, { partition }))
      const { errorCode, baseOffset: offset } = responses[0]!.partitionResponses[0]!
      return { errorCode, offset }
    }
    assert.deepEqual(await send(baseSequence), { errorCode: 0, offset: baseOffset }, `${topic}/${partition}`)
    const gap = await send(baseSequence + 2 * values.length)
    assert.equal(gap.errorCode, ErrorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER, `${topic}/${partition}`)
  }
  client.close()
}

/** Half of a batch at the end of a log, as a torn write leaves it. */
export function tear(path: string, bytes: number): void {
  const batch = encodeBatch([{ value: 'x'.repeat(2 * bytes) }])
  appendFileSync(path, batch.subarray(0, bytes))
}
