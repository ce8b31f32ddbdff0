import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Metadata, Produce, readBatch } from '@odradek/protocol'
import { serde } from '../serde.ts'
import { simulated } from '../testing/simulated-cluster.ts'
import { topic } from '../topic.ts'

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => String(from + i))

test('a record is answered with where it is', async () => {
  await simulated({ topics: { t: 3 } }, async ({ cluster, kafka, world, run }) => {
    const producer = kafka.producer()
    const sent = await run(producer.send('t', { key: 'foobar', value: 'x', headers: { a: 'b' } }))
    assert.deepEqual(sent, {
      topic: 't',
      partition: (-790332482 & 0x7fffffff) % 3,
      offset: 0,
      timestamp: sent.timestamp,
    })
    assert.ok(Math.abs(world.clock.now() - sent.timestamp) < 100)
    const [record] = cluster.partition('t', sent.partition).records()
    assert.deepEqual(
      [...record!.headers],
      [['a', Buffer.from('b')]].map(([n, v]) => [n, new Uint8Array(v as Buffer)]),
    )
  })
})

test('un-awaited sends travel as a few batches and arrive in their order', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, run }) => {
    const producer = kafka.producer()
    const sent = await run(Promise.all(numbers(10_000).map(value => producer.send('t', { value }))))
    assert.deepEqual(
      sent.map(({ offset }) => offset),
      numbers(10_000).map(Number),
    )
    assert.deepEqual(cluster.partition('t').values(), numbers(10_000))
    assert.ok(cluster.count(Produce) <= 3, `${cluster.count(Produce)} requests`)
  })
})

test('a lone record does not linger; company is waited for while a request is under way', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, world, run }) => {
    const producer = kafka.producer({ lingerMs: 10_000 })
    const start = world.clock.monotonic()
    await run(producer.send('t', { value: 'first' }))
    assert.ok(world.clock.monotonic() - start < 100)
    cluster.once(Produce, async (request, call) => {
      producer.enqueue('t', { value: 'a' })
      await new Promise<void>(resolve => world.clock.timer(1, resolve))
      producer.enqueue('t', { value: 'b' })
      return cluster.healthy(Produce, request, call)
    })
    await run(producer.send('t', { value: 'second' }))
    await run(producer.flush())
    assert.equal(cluster.count(Produce), 3)
    assert.deepEqual(cluster.partition('t').values(), ['first', 'second', 'a', 'b'])
  })
})

test('null is a tombstone, not an empty value (platformatic#217)', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, run }) => {
    const producer = kafka.producer()
    await run(Promise.all([null, ''].map(value => producer.send('t', { key: 'k', value }))))
    assert.deepEqual(
      cluster
        .partition('t')
        .records()
        .map(({ value }) => value?.length ?? null),
      [null, 0],
    )
  })
})

test('headers keep their order and duplicates when given as entries (platformatic#372)', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, run }) => {
    const producer = kafka.producer()
    const headers: [string, string | null][] = [
      ['a', '1'],
      ['b', null],
      ['a', '2'],
    ]
    await run(producer.send('t', { value: 'x', headers }))
    const [record] = cluster.partition('t').records()
    const text = [...record!.headers].map(([name, value]) => [name, value && Buffer.from(value).toString()])
    assert.deepEqual(text, headers)
  })
})

test('records without a key stay together and move to another partition with the next batch', async () => {
  await simulated({ topics: { t: 4 } }, async ({ cluster, kafka, run }) => {
    const producer = kafka.producer({ batchBytes: 1024 })
    await run(Promise.all(numbers(1_000).map(value => producer.send('t', { value }))))
    const counts = [0, 1, 2, 3].map(i => cluster.partition('t', i).end)
    assert.ok(
      counts.every(count => count >= 100),
      `${counts}`,
    )
    for (const partition of cluster.topics.get('t')!.partitions) {
      assert.ok(
        partition.batches.every((bytes, i) => i === partition.batches.length - 1 || readBatch(bytes).recordCount > 30),
      )
    }
  })
})

test('the partition given wins, then the custom partitioner, then the key', async () => {
  await simulated({ topics: { t: 4 } }, async ({ kafka, run }) => {
    const producer = kafka.producer({ partitioner: ({ key }) => (key?.[0] === 0x7a ? 3 : undefined) })
    const partitionOf = async (record: { key?: string; partition?: number }) =>
      (await run(producer.send('t', { value: 'x', ...record }))).partition
    assert.equal(await partitionOf({ key: 'z', partition: 2 }), 2)
    assert.equal(await partitionOf({ key: 'z' }), 3)
    assert.equal(await partitionOf({ key: 'foobar' }), (-790332482 & 0x7fffffff) % 4)
    await assert.rejects(run(producer.send('t', { value: 'x', partition: 9 })), {
      code: 'USAGE',
      message: /partitions 0 to 3/,
    })
  })
})

test('partitions that are added later are used', async () => {
  await simulated({ topics: { t: 1 }, kafka: { metadataMaxAgeMs: 1_000 } }, async ({ cluster, kafka, world, run }) => {
    const producer = kafka.producer()
    await run(producer.send('t', { value: 'x' }))
    const grown = cluster.addTopic('t', 2)
    cluster.topics.set('t', grown)
    await world.clock.advance(1_500)
    assert.equal((await run(producer.send('t', { value: 'x', partition: 1 }))).partition, 1)
  })
})

test('acks 0 is not answered, acks 1 is not idempotent, and both can be told', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, run }) => {
    const careless = kafka.producer({ acks: 0 })
    assert.equal((await run(careless.send('t', { value: 'a' }))).offset, -1)
    await run(cluster.arrived(Produce, 1))
    assert.equal((await run(kafka.producer({ acks: 1 }).send('t', { value: 'b' }))).offset, 1)
    assert.deepEqual(
      cluster.partition('t').batches.map(bytes => readBatch(bytes).producerId),
      [-1n, -1n],
    )
    assert.throws(() => kafka.producer({ acks: 1, idempotent: true }), { code: 'USAGE' })
  })
})

test('brokers without topic ids are written to by name', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, run }) => {
    cluster.nodes[0]!.offers(Metadata, 0, 9)
    await run(kafka.producer().send('t', { value: 'x' }))
    assert.equal(cluster.seen.find(({ api }) => api === 'Produce')!.version, 12)
  })
})

test('serdes may be asynchronous when they say so, and order holds', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, world, run }) => {
    const slow = topic('t', {
      key: serde.int32,
      value: {
        name: 'slow',
        async: true,
        serialize: async (value: number) => {
          await new Promise<void>(resolve => world.clock.timer(value % 2 ? 1 : 50, resolve))
          if (value === 4) throw new Error('four')
          return Buffer.from(String(value))
        },
        deserialize: bytes => Number(Buffer.from(bytes)),
      },
    })
    const producer = kafka.producer()
    const sends = [0, 1, 2, 3, 4, 5].map(value => producer.send(slow, { key: value, value }))
    const results = await run(Promise.allSettled(sends))
    assert.deepEqual(
      results.map(({ status }) => status[0]),
      ['f', 'f', 'f', 'f', 'r', 'f'],
    )
    assert.deepEqual(cluster.partition('t').values(), ['0', '1', '2', '3', '5'])
  })
})

test('what does not fit its serde is refused at once, and nothing is sent', async () => {
  await simulated({ topics: { t: 1 } }, async ({ cluster, kafka, run }) => {
    const ints = topic('t', { value: serde.int32 })
    const producer = kafka.producer()
    await assert.rejects(run(producer.send(ints, { value: 1.5 })), {
      code: 'USAGE',
      message: /value of topic 't' does not fit its int32/,
    })
    assert.throws(() => producer.enqueue(ints, { value: 2 ** 40 }), { code: 'USAGE' })
    await run(producer.flush())
    assert.equal(cluster.count(Produce), 0)
  })
})
