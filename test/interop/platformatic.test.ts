/** @platformatic/kafka 2.12 against our broker, unchanged: it speaks almost only flexible versions, and high ones. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { Admin, type Consumer as AnyConsumer, Consumer, type Message, Producer } from '@platformatic/kafka'
import { brokerUnderTest, closing, Waiter } from './broker-under-test.ts'

type Bytes = AnyConsumer<Buffer, Buffer, Buffer, Buffer>
type Received = Message<Buffer, Buffer, Buffer, Buffer>

const idempotent = { idempotent: true, acks: -1 } as const

async function setUp(t: TestContext, topic: string, partitions: number) {
  const broker = await brokerUnderTest(t)
  const base = { clientId: 'interop', bootstrapBrokers: broker.bootstrap.split(','), retries: 3, retryDelay: 50 }
  const admin = new Admin(base)
  const producer = new Producer({ ...base, autocreateTopics: true })
  const consumer = (groupId: string): Bytes => {
    const made = new Consumer({
      ...base,
      groupId,
      autocommit: true,
      heartbeatInterval: 200,
      sessionTimeout: 6000,
      rebalanceTimeout: 6000,
    }) as Bytes
    closing(t).defer(async () => made.close(true))
    return made
  }
  closing(t).defer(async () => void (await Promise.all([admin.close(), producer.close()])))
  await admin.createTopics({ topics: [topic], partitions, replicas: 1 })
  return { admin, producer, consumer }
}

async function receive(consumer: Bytes, topic: string, count: number): Promise<Received[]> {
  const seen = new Waiter<Received>()
  const stream = await consumer.consume({ topics: [topic], mode: 'earliest' })
  stream.on('data', message => seen.add(message))
  return seen.until(all => all.length >= count, `${count} records`)
}

test('@platformatic/kafka produces and consumes keys, values, headers, nulls and a 900 kB record', async t => {
  const { producer, consumer } = await setUp(t, 'things', 1)
  const large = randomBytes(900_000)
  await producer.send({
    ...idempotent,
    messages: [
      {
        topic: 'things',
        key: Buffer.from('a'),
        value: Buffer.from('first'),
        headers: new Map([[Buffer.from('h'), Buffer.from('x')]]),
      },
      { topic: 'things', key: Buffer.from('b'), value: null as unknown as Buffer },
      { topic: 'things', value: large },
    ],
  })
  const seen = await receive(consumer('g'), 'things', 3)
  assert.deepEqual(
    seen.map(({ offset, key }) => [Number(offset), key?.toString() || null]),
    [
      [0, 'a'],
      [1, 'b'],
      [2, null],
    ],
  )
  assert.deepEqual(
    [...seen[0]!.headers].map(([name, value]) => [name.toString(), value.toString()]),
    [['h', 'x']],
  )
  assert.ok(!seen[1]!.value?.length)
  assert.ok(seen[2]!.value.equals(large))
})

for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
  test(`@platformatic/kafka sends and reads back compression ${compression}`, async t => {
    const { producer, consumer } = await setUp(t, 'squeezed', 1)
    const values = Array.from({ length: 500 }, (_, i) => `value ${i} `.repeat(10))
    await producer.send({
      acks: -1,
      compression,
      messages: values.map(value => ({ topic: 'squeezed', value: Buffer.from(value) })),
    })
    const seen = await receive(consumer('g'), 'squeezed', values.length)
    assert.deepEqual(
      seen.map(({ value }) => value.toString()),
      values,
    )
  })
}

test('two @platformatic/kafka consumers share a group; when one leaves the other takes over', async t => {
  const { producer, consumer, admin } = await setUp(t, 'shared', 4)
  const seen = new Waiter<{ who: string; value: string }>()
  const joins = new Waiter<{ who: string; partitions: number }>()
  const start = async (who: string) => {
    const made = consumer('pair')
    made.on('consumer:group:join', ({ assignments }) =>
      joins.add({ who, partitions: assignments?.find(one => one.topic === 'shared')?.partitions.length ?? 0 }),
    )
    const stream = await made.consume({ topics: ['shared'], mode: 'committed', fallbackMode: 'earliest' })
    stream.on('data', ({ value }) => seen.add({ who, value: value.toString() }))
    return made
  }
  await start('one')
  const two = await start('two')
  const last = (all: readonly { who: string; partitions: number }[], who: string) =>
    all.findLast(join => join.who === who)?.partitions
  await joins.until(all => last(all, 'one') === 2 && last(all, 'two') === 2, 'an even division')
  const send = (word: string) =>
    producer.send({
      acks: -1,
      messages: Array.from({ length: 8 }, (_, i) => ({
        topic: 'shared',
        partition: i % 4,
        value: Buffer.from(`${word} ${i}`),
      })),
    })
  await send('before')
  await seen.until(all => all.length >= 8, '8 records')
  assert.equal((await admin.describeGroups({ groups: ['pair'] })).get('pair')!.members.size, 2)
  await two.close(true)
  await joins.until(all => last(all, 'one') === 4, 'taking over all four')
  await send('after')
  const all = await seen.until(
    records => records.filter(({ value }) => value.startsWith('after')).length >= 8,
    '8 more',
  )
  assert.ok(all.filter(({ value }) => value.startsWith('after')).every(({ who }) => who === 'one'))
})

test('@platformatic/kafka administers topics, partitions, configs, offsets and groups', async t => {
  const { admin, producer } = await setUp(t, 'adm', 2)
  await admin.createPartitions({ topics: [{ name: 'adm', count: 3, assignments: [{ brokerIds: [1] }] }] })
  await producer.send({
    acks: -1,
    messages: Array.from({ length: 10 }, (_, i) => ({ topic: 'adm', partition: 1, value: Buffer.from(String(i)) })),
  })
  assert.ok((await admin.listTopics()).includes('adm'))
  const [listed] = await admin.listOffsets({
    topics: [{ name: 'adm', partitions: [{ partitionIndex: 1, timestamp: -1n }] }],
  })
  assert.equal(Number(listed!.partitions[0]!.offset), 10)
  const [trimmed] = await admin.deleteRecords({ topics: [{ name: 'adm', partitions: [{ partition: 1, offset: 4n }] }] })
  assert.equal(Number(trimmed!.partitions[0]!.lowWatermark), 4)
  await admin.alterConsumerGroupOffsets({
    groupId: 'g',
    topics: [{ name: 'adm', partitionOffsets: [{ partition: 1, offset: 7n }] }],
  })
  const [group] = await admin.listConsumerGroupOffsets({ groups: ['g'] })
  assert.equal(Number(group!.topics[0]!.partitions[0]!.committedOffset), 7)
  await admin.deleteGroups({ groups: ['g'] })
  const [described] = await admin.describeConfigs({
    resources: [{ resourceType: 2, resourceName: 'adm', configurationKeys: null }] as never,
  })
  assert.ok(described!.configs.some(({ name }) => name === 'retention.ms'))
  await admin.deleteTopics({ topics: ['adm'] })
  assert.ok(!(await admin.listTopics()).includes('adm'))
})
