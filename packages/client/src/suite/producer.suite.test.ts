/** What a producer does with any Kafka-compatible cluster: the one named by ODRADEK_TEST_BROKER, else our own broker. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { codecs } from '@odradek/protocol'
import { serde } from '../serde.ts'
import { fetchAll } from '../testing/fetch-all.ts'
import { type TestCluster, testCluster } from '../testing/test-cluster.ts'
import { topic } from '../topic.ts'

let cluster: TestCluster
before(async () => {
  cluster = await testCluster({ nodes: 2 })
})
after(() => cluster[Symbol.asyncDispose]())

async function freshTopic(partitions = 1, config: Record<string, string | number> = {}): Promise<string> {
  const name = cluster.name('produce')
  await cluster.kafka().admin().topics.create({ name, partitions, config })
  return name
}

test('un-awaited sends arrive once, in order, at the offsets that were told', async () => {
  const name = await freshTopic()
  const producer = cluster.kafka().producer()
  const sent = await Promise.all(Array.from({ length: 5_000 }, (_, i) => producer.send(name, { value: `${i}` })))
  assert.deepEqual(
    sent.map(({ offset }) => offset),
    [...sent.keys()],
  )
  const values = (await fetchAll(cluster, name)).map(({ value }) => Buffer.from(value!).toString())
  assert.deepEqual(
    values,
    sent.map((_, i) => `${i}`),
  )
})

for (const compression of codecs) {
  test(`records written with compression ${compression} are read back`, async () => {
    const name = await freshTopic()
    await using producer = cluster.kafka().producer({ compression })
    const value = 'the same again and again '.repeat(200)
    await Promise.all(
      [1, 2, 3].map(() =>
        producer.send(name, {
          key: 'k',
          value,
          headers: [
            ['h', '1'],
            ['h', null],
          ],
        }),
      ),
    )
    const records = await fetchAll(cluster, name)
    assert.deepEqual(
      records.map(r => Buffer.from(r.value!).toString()),
      [value, value, value],
    )
    assert.deepEqual(
      records[0]!.headers.map(([n, v]) => [n, v && Buffer.from(v).toString()]),
      [
        ['h', '1'],
        ['h', null],
      ],
    )
  })
}

test('typed topics write what Java serializers write; null and empty values stay apart', async () => {
  const name = await freshTopic()
  const totals = topic(name, { key: serde.int64, value: serde.double })
  const producer = cluster.kafka().producer()
  await producer.send(totals, { key: -1, value: 1.5 })
  await producer.send(totals, { key: 2 ** 40, value: null })
  await producer.send(name, { value: '' })
  const hex = (bytes: Uint8Array | null) => bytes && Buffer.from(bytes).toString('hex')
  const records = await fetchAll(cluster, name)
  assert.deepEqual(
    records.map(r => [hex(r.key), hex(r.value)]),
    [
      ['ffffffffffffffff', '3ff8000000000000'],
      ['0000010000000000', null],
      [null, ''],
    ],
  )
})

test('keys go to the partitions of the Java client', async () => {
  const name = await freshTopic(10)
  const producer = cluster.kafka().producer()
  const partitions = await Promise.all(
    ['foobar', 'abc', '21'].map(async key => (await producer.send(name, { key, value: '' })).partition),
  )
  assert.deepEqual(partitions, [6, 7, 0])
})

test('a record of 900 kB passes, and one above the limit of the topic is refused by name', async () => {
  const name = await freshTopic(1, { 'max.message.bytes': 1_000_000 })
  const producer = cluster.kafka().producer()
  const sent = await producer.send(name, { value: Buffer.alloc(900_000, 7) })
  assert.equal(sent.offset, 0)
  await assert.rejects(producer.send(name, { value: Buffer.alloc(1_100_000, 7) }), { code: 'MESSAGE_TOO_LARGE' })
  assert.equal((await producer.send(name, { value: 'on' })).offset, 1)
})

test('batches larger than the topic allows are split', async () => {
  const name = await freshTopic(1, { 'max.message.bytes': 5_000 })
  const producer = cluster.kafka().producer()
  const sent = await Promise.all(
    Array.from({ length: 500 }, (_, i) => producer.send(name, { value: `${i}`.padEnd(100) })),
  )
  assert.deepEqual(
    sent.map(({ offset }) => offset),
    [...sent.keys()],
  )
  assert.equal((await fetchAll(cluster, name)).length, 500)
})

test('a record without a key is refused by a compacted topic, with the reason', async () => {
  const name = await freshTopic(1, { 'cleanup.policy': 'compact' })
  const producer = cluster.kafka().producer()
  await assert.rejects(producer.send(name, { value: 'x' }), { code: 'INVALID_RECORD' })
  assert.equal((await producer.send(name, { key: 'k', value: 'x' })).offset, 0)
})

test('LogAppendTime is told', async () => {
  const name = await freshTopic(1, { 'message.timestamp.type': 'LogAppendTime' })
  const sent = await cluster.kafka().producer().send(name, { value: 'x', timestamp: 1_000 })
  assert.ok(sent.timestamp > 1_600_000_000_000, `${sent.timestamp}`)
})

test('acks 0 and 1 write too', async () => {
  const name = await freshTopic()
  await using careless = cluster.kafka().producer({ acks: 0 })
  await careless.send(name, { value: 'a' })
  await using quick = cluster.kafka().producer({ acks: 1 })
  await quick.send(name, { value: 'b' })
  assert.equal((await fetchAll(cluster, name, 2)).length, 2)
})

test('many topics and partitions at once', async () => {
  const names = await Promise.all([freshTopic(7), freshTopic(5)])
  const producer = cluster.kafka().producer()
  const all = names.flatMap(name =>
    Array.from({ length: 2_000 }, (_, i) => producer.send(name, { key: `${i}`, value: `${i}` })),
  )
  await Promise.all(all)
  for (const name of names) {
    const values = (await fetchAll(cluster, name)).map(({ value }) => Number(Buffer.from(value!)))
    assert.deepEqual(
      values.sort((a, b) => a - b),
      Array.from({ length: 2_000 }, (_, i) => i),
    )
  }
})

test('sendAll and enqueue write what they are given', async () => {
  const name = await freshTopic(3)
  const producer = cluster.kafka().producer({ bufferBytes: 100_000 })
  const { count, partitions } = await producer.sendAll(
    name,
    Array.from({ length: 3_000 }, (_, i) => ({ key: `${i}`, value: `${i}`.padEnd(100) })),
  )
  assert.equal(count, 3_000)
  assert.equal(
    partitions.reduce((sum, line) => sum + line.lastOffset - line.firstOffset + 1, 0),
    3_000,
  )
  for (let i = 0; i < 100; i++) producer.enqueue(name, { value: `${i}` })
  await producer.flush()
  assert.equal((await fetchAll(cluster, name)).length, 3_100)
})

test('a topic that does not exist is told with how to make it', async () => {
  const shy = cluster.kafka().producer({ autoCreateTopics: false, metadataTimeoutMs: 300 })
  await assert.rejects(shy.send(cluster.name('missing'), { value: 'x' }), {
    code: 'UNKNOWN_TOPIC_OR_PARTITION',
    message: /odradek topic create/,
  })
})

test('a topic that is deleted and made again is written to again', async () => {
  const name = await freshTopic()
  const kafka = cluster.kafka()
  const producer = kafka.producer()
  await Promise.all([1, 2, 3].map(i => producer.send(name, { value: `${i}` })))
  await kafka.admin().topics.delete(name)
  await kafka.admin().topics.create({ name, partitions: 1 })
  assert.equal((await producer.send(name, { value: 'again' })).offset, 0)
})
