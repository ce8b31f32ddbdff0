/** kafkajs 2.2.4 against our broker, unchanged: it speaks only the versions before the flexible ones. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import kafkajs from 'kafkajs'
import { brokerUnderTest, closing, Waiter } from './broker-under-test.ts'

const { CompressionTypes, ConfigResourceTypes, Kafka, logLevel } = kafkajs

const client = (bootstrap: string) =>
  new Kafka({
    clientId: 'interop',
    brokers: bootstrap.split(','),
    logLevel: logLevel.NOTHING,
    retry: { retries: 8, initialRetryTime: 20, maxRetryTime: 200 },
  })

interface Seen {
  partition: number
  offset: number
  key: string | null
  value: Buffer | null
  headers: Record<string, string>
  member: string
}

test('kafkajs produces and consumes keys, values, headers, nulls and a 900 kB record', async t => {
  const broker = await brokerUnderTest(t)
  const kafka = client(broker.bootstrap)
  const producer = kafka.producer({ allowAutoTopicCreation: true })
  const consumer = kafka.consumer({ groupId: 'g' })
  closing(t).defer(async () => void (await Promise.all([producer.disconnect(), consumer.disconnect()])))
  const large = randomBytes(900_000)
  await producer.connect()
  const [sent] = await producer.send({
    topic: 'things',
    messages: [
      { key: 'a', value: 'first', partition: 0, headers: { h: 'x', n: Buffer.from([1, 2]) } },
      { key: 'b', value: null, partition: 0 },
      { value: large, partition: 0 },
    ],
  })
  assert.equal(sent!.baseOffset, '0')
  const seen = await consumeAll(consumer, 'things', 3)
  assert.deepEqual(
    seen.map(({ offset, key }) => [offset, key]),
    [
      [0, 'a'],
      [1, 'b'],
      [2, null],
    ],
  )
  assert.deepEqual(seen[0]!.headers, { h: 'x', n: '\u0001\u0002' })
  assert.equal(seen[1]!.value, null)
  assert.ok(seen[2]!.value!.equals(large))
})

test('kafkajs sends gzip and reads it back', async t => {
  const broker = await brokerUnderTest(t)
  const kafka = client(broker.bootstrap)
  const producer = kafka.producer()
  const consumer = kafka.consumer({ groupId: 'g' })
  closing(t).defer(async () => void (await Promise.all([producer.disconnect(), consumer.disconnect()])))
  await producer.connect()
  const messages = Array.from({ length: 1000 }, (_, i) => ({ key: `k${i % 7}`, value: `value ${i}`.repeat(10) }))
  await producer.send({ topic: 'squeezed', compression: CompressionTypes.GZIP, messages })
  const seen = await consumeAll(consumer, 'squeezed', 1000)
  assert.deepEqual(seen.map(({ value }) => value!.toString()).sort(), messages.map(({ value }) => value).sort())
})

test('an idempotent kafkajs producer is given a producer id and keeps order', async t => {
  const broker = await brokerUnderTest(t)
  const kafka = client(broker.bootstrap)
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  const consumer = kafka.consumer({ groupId: 'g' })
  closing(t).defer(async () => void (await Promise.all([producer.disconnect(), consumer.disconnect()])))
  await producer.connect()
  for (let i = 0; i < 20; i++)
    await producer.send({ topic: 'ordered', acks: -1, messages: [{ key: 'k', value: String(i) }] })
  const seen = await consumeAll(consumer, 'ordered', 20)
  assert.deepEqual(
    seen.map(({ value }) => Number(value!.toString())),
    Array.from({ length: 20 }, (_, i) => i),
  )
})

test('two kafkajs consumers share a group; when one leaves the other takes over, from the committed offsets', async t => {
  const broker = await brokerUnderTest(t)
  const kafka = client(broker.bootstrap)
  const admin = kafka.admin()
  const producer = kafka.producer()
  await admin.connect()
  await producer.connect()
  await admin.createTopics({ topics: [{ topic: 'shared', numPartitions: 4 }] })
  const joins = new Waiter<{ member: string; partitions: number[] }>()
  const seen = new Waiter<Seen>()
  const [one, two] = ['one', 'two'].map(member => {
    const consumer = kafka.consumer({
      groupId: 'pair',
      sessionTimeout: 6000,
      heartbeatInterval: 300,
      rebalanceTimeout: 6000,
      maxWaitTimeInMs: 100,
    })
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) =>
      joins.add({ member, partitions: payload.memberAssignment.shared ?? [] }),
    )
    return { member, consumer }
  }) as [
    { member: string; consumer: ReturnType<typeof kafka.consumer> },
    { member: string; consumer: ReturnType<typeof kafka.consumer> },
  ]
  closing(t).defer(
    async () =>
      void (await Promise.all([
        admin.disconnect(),
        producer.disconnect(),
        one.consumer.disconnect(),
        two.consumer.disconnect(),
      ])),
  )
  for (const { member, consumer } of [one, two]) {
    await consumer.connect()
    await consumer.subscribe({ topics: ['shared'], fromBeginning: true })
    await consumer.run({
      eachMessage: async ({ partition, message }) => seen.add({ ...toSeen(partition, message), member }),
    })
  }
  const half = (who: string) => (all: readonly { member: string; partitions: number[] }[]) =>
    all.findLast(join => join.member === who)?.partitions.length === 2
  await joins.until(all => half('one')(all) && half('two')(all), 'an even division')
  await producer.send({
    topic: 'shared',
    messages: Array.from({ length: 8 }, (_, i) => ({ partition: i % 4, value: `before ${i}` })),
  })
  await seen.until(all => all.length === 8, '8 records')
  await two.consumer.disconnect()
  await joins.until(all => all.findLast(join => join.member === 'one')!.partitions.length === 4, 'taking over all four')
  await producer.send({
    topic: 'shared',
    messages: Array.from({ length: 8 }, (_, i) => ({ partition: i % 4, value: `after ${i}` })),
  })
  const all = await seen.until(
    records => records.filter(({ value }) => value!.toString().startsWith('after')).length === 8,
    '8 more',
  )
  assert.ok(all.filter(({ value }) => value!.toString().startsWith('after')).every(({ member }) => member === 'one'))
  assert.equal(new Set(all.map(({ value }) => value!.toString())).size, 16)
  const { groups } = await admin.describeGroups(['pair'])
  assert.equal(groups[0]!.state, 'Stable')
  assert.equal(groups[0]!.members.length, 1)
})

test('kafkajs admin: topics, partitions, offsets, configs, groups, deleting records', async t => {
  const broker = await brokerUnderTest(t)
  const kafka = client(broker.bootstrap)
  const admin = kafka.admin()
  const producer = kafka.producer()
  closing(t).defer(async () => void (await Promise.all([admin.disconnect(), producer.disconnect()])))
  await admin.connect()
  await producer.connect()
  assert.equal(
    await admin.createTopics({
      topics: [{ topic: 'adm', numPartitions: 2, configEntries: [{ name: 'retention.ms', value: '3600000' }] }],
    }),
    true,
  )
  assert.equal(await admin.createTopics({ topics: [{ topic: 'adm' }] }), false)
  await admin.createPartitions({ topicPartitions: [{ topic: 'adm', count: 3 }] })
  const { topics } = await admin.fetchTopicMetadata({ topics: ['adm'] })
  assert.equal(topics[0]!.partitions.length, 3)
  await producer.send({
    topic: 'adm',
    messages: Array.from({ length: 10 }, (_, i) => ({ partition: 1, value: String(i), timestamp: String(1000 + i) })),
  })
  assert.deepEqual(
    (await admin.fetchTopicOffsets('adm')).find(({ partition }) => partition === 1),
    { partition: 1, offset: '10', high: '10', low: '0' },
  )
  assert.equal(
    (await admin.fetchTopicOffsetsByTimestamp('adm', 1005)).find(({ partition }) => partition === 1)!.offset,
    '5',
  )
  await admin.deleteTopicRecords({ topic: 'adm', partitions: [{ partition: 1, offset: '4' }] })
  assert.equal((await admin.fetchTopicOffsets('adm')).find(({ partition }) => partition === 1)!.low, '4')
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: ConfigResourceTypes.TOPIC, name: 'adm' }],
  })
  const entries = new Map(resources[0]!.configEntries.map(({ configName, configValue }) => [configName, configValue]))
  assert.equal(entries.get('retention.ms'), '3600000')
  assert.ok(entries.has('max.message.bytes'), 'settings at their default are listed too')
  await admin.alterConfigs({
    validateOnly: false,
    resources: [
      { type: ConfigResourceTypes.TOPIC, name: 'adm', configEntries: [{ name: 'retention.ms', value: '60000' }] },
    ],
  })
  await admin.setOffsets({ groupId: 'g', topic: 'adm', partitions: [{ partition: 1, offset: '7' }] })
  const offsets = await admin.fetchOffsets({ groupId: 'g', topics: ['adm'] })
  assert.equal(offsets[0]!.partitions.find(({ partition }) => partition === 1)!.offset, '7')
  assert.ok((await admin.listGroups()).groups.some(({ groupId }) => groupId === 'g'))
  await admin.deleteGroups(['g'])
  assert.ok((await admin.listTopics()).includes('adm'))
  await admin.deleteTopics({ topics: ['adm'] })
  assert.ok(!(await admin.listTopics()).includes('adm'))
  assert.equal((await admin.describeCluster()).brokers.length, 1)
})

async function consumeAll(consumer: kafkajs.Consumer, topic: string, count: number): Promise<Seen[]> {
  const seen = new Waiter<Seen>()
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ partition, message }) => seen.add({ ...toSeen(partition, message), member: '' }),
  })
  return seen.until(all => all.length >= count, `${count} records`)
}

function toSeen(partition: number, message: kafkajs.KafkaMessage): Omit<Seen, 'member'> {
  const headers = Object.fromEntries(
    Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)]),
  )
  return {
    partition,
    offset: Number(message.offset),
    key: message.key?.toString() ?? null,
    value: message.value,
    headers,
  }
}
