/** What is put into a broker before its data folder is kept: something of everything that leaves bytes behind. */
import assert from 'node:assert/strict'
import { Kafka } from '@odradek/client'
import { type Codec, codecs, encodeBatch, InitProducerId, Produce, type RecordInput } from '@odradek/protocol'
import { realWire } from '@odradek/world'
import { RawClient } from '../../../packages/broker/src/testing/raw-client.ts'
import { produceRequest } from '../../../packages/broker/src/testing/test-broker.ts'
import type { ServeProcess } from '../serve-process.ts'
import type { GoldenFolder, GoldenOffset, GoldenProducer, GoldenRecord, GoldenTopic } from './golden.ts'
import { goldenOf } from './golden-check.ts'

/** Nothing may go by age: goldens are read years later. */
const forEver = { 'retention.ms': '-1' }
const time = 1_700_000_000_000

const topics = [
  { name: 'orders', partitions: 3, config: forEver },
  { name: 'rolled', partitions: 1, config: { ...forEver, 'segment.bytes': '1500' } },
  { name: 'stamped', partitions: 1, config: { ...forEver, 'message.timestamp.type': 'LogAppendTime' } },
  { name: 'tables', partitions: 2, config: { ...forEver, 'cleanup.policy': 'compact' } },
  { name: 'empty', partitions: 2, config: forEver },
  { name: 'deleted', partitions: 2, config: forEver },
]

/** Fills the broker, and says what must be read back. */
export async function fill(broker: ServeProcess): Promise<GoldenFolder> {
  await using kafka = new Kafka({ brokers: broker.bootstrap })
  const admin = kafka.admin()
  await admin.topics.create(topics)
  const client = await RawClient.connect(realWire, broker.address)
  const producers = [await idempotent(client, 'orders', 1, 'gzip'), await idempotent(client, 'rolled', 0, 'none')]
  await everyCodec(client)
  for (let i = 0; i < 40; i++)
    await produce(client, 'rolled', 0, encodeBatch([{ value: `row ${i} ${'.'.repeat(i)}`, timestamp: time + i }]))
  await produce(client, 'stamped', 0, encodeBatch([{ value: 'by the broker', timestamp: time }]))
  for (const n of [1, 2, 3])
    for (const partition of [0, 1])
      await produce(
        client,
        'tables',
        partition,
        encodeBatch(
          ['a', 'b', 'c'].map(key => row(key, n)),
          { compression: 'zstd' },
        ),
      )
  for (const partition of [0, 1]) await produce(client, 'deleted', partition, encodeBatch([{ value: 'gone' }]))
  await admin.topics.delete('deleted')
  await admin.topics.deleteRecords([
    { topic: 'rolled', partition: 0, before: 40 },
    { topic: 'orders', partition: 2, before: 3 },
  ])
  const offsets = await commit(kafka)
  client.close()
  const { clusterId } = await admin.cluster.describe()
  return { clusterId: clusterId!, topics: await described(kafka), deleted: ['deleted'], offsets, producers }
}

/** A compacted topic's row; the third of `b` deletes it. */
const row = (key: string, n: number): RecordInput => ({
  key,
  value: key === 'b' && n === 3 ? null : `${key}${n}`,
  timestamp: time + n,
})

async function everyCodec(client: RawClient): Promise<void> {
  for (const [n, compression] of codecs.entries())
    for (const partition of [0, 1, 2]) {
      const records = Array.from({ length: 4 }, (_, i) => ({
        key: i === 0 ? null : `key ${i}`,
        value: i === 3 ? null : `${compression} ${'abc'.repeat(10 * i)} ${partition}`,
        timestamp: time + 1000 * n + i,
        headers:
          i === 1
            ? ([
                ['trace', 'first'],
                ['trace', 'second'],
                ['none', null],
              ] as [string, string | null][])
            : [],
      }))
      await produce(client, 'orders', partition, encodeBatch(records, { compression }))
    }
}

/** Seven batches of one producer: more than a broker remembers. */
async function idempotent(
  client: RawClient,
  topic: string,
  partition: number,
  compression: Codec,
): Promise<GoldenProducer> {
  const { producerId, producerEpoch } = await client.call(InitProducerId, 4, {
    transactionalId: null,
    transactionTimeoutMs: 60_000,
    producerId: -1n,
    producerEpoch: -1,
  })
  const last = { baseSequence: 0, baseOffset: 0, values: [] as string[] }
  for (let batch = 0; batch < 7; batch++) {
    last.baseSequence = batch * 3
    last.values = [0, 1, 2].map(i => `once ${batch * 3 + i}`)
    const bytes = encodeBatch(
      last.values.map(value => ({ value, timestamp: time })),
      { compression, producerId, producerEpoch, baseSequence: last.baseSequence },
    )
    last.baseOffset = await produce(client, topic, partition, bytes)
  }
  return { id: String(producerId), epoch: producerEpoch, topic, partition, compression, ...last }
}

async function produce(client: RawClient, topic: string, partition: number, bytes: Uint8Array): Promise<number> {
  const { responses } = await client.call(Produce, 9, produceRequest(topic, bytes, { partition }))
  const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!
  assert.equal(errorCode, 0, `${topic}/${partition}`)
  return baseOffset
}

/** A group moved by an admin, twice, and one whose member read and committed. */
async function commit(kafka: Kafka): Promise<GoldenOffset[]> {
  const { groups } = kafka.admin()
  for (const offset of [2, 9])
    await groups.setOffsets('shipping', [
      { topic: 'orders', partition: 0, offset, metadata: `at ${offset}` },
      { topic: 'rolled', partition: 0, offset: 30 + offset },
    ])
  {
    await using consumer = kafka.consumer({ group: 'readers', topics: ['stamped'], from: 'earliest', commit: 'manual' })
    for await (const batch of consumer.batches({ max: 1 })) {
      await batch.commit()
      break
    }
  }
  const found: GoldenOffset[] = []
  for (const group of ['shipping', 'readers'])
    for (const { topic, partition, offset, metadata } of await groups.offsets(group))
      found.push({ group, topic, partition, offset, metadata })
  assert.equal(found.length, 3)
  return found
}

async function described(kafka: Kafka): Promise<GoldenTopic[]> {
  const { topics: admin } = kafka.admin()
  const found: GoldenTopic[] = []
  for (const { name, config } of topics) {
    if (name === 'deleted') continue
    const { topicId: id } = await admin.describe(name)
    const starts = await admin.offsets(name, 'earliest')
    const ends = await admin.offsets(name, 'latest')
    const partitions = starts.map(({ partition, offset }) => ({
      start: offset,
      end: ends.find(end => end.partition === partition)!.offset,
      records: [] as GoldenRecord[],
    }))
    for await (const record of kafka.read(name)) partitions[record.partition]!.records.push(goldenOf(record))
    found.push({ name, id, config, partitions })
  }
  return found
}
