/** kafkajs, a client of before transactions v2: transactions with offsets, committed and aborted, and a restart. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { realWorld } from '@odradek/world'
import { type ITopicMetadata, Kafka, logLevel, Partitioners } from 'kafkajs'
import { Broker } from '../broker.ts'
import { RawClient } from '../testing/raw-client.ts'
import { settled } from './testing/transactional-client.ts'

const topic = 'orders'

test('kafkajs commits and aborts transactions with offsets, also after a restart', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-kafkajs-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const seen: (readonly string[])[] = []
  for (const life of [0, 1]) {
    await using broker = await Broker.start({ data: { folder }, world: realWorld() })
    const kafka = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING })
    const [admin, producer] = [
      kafka.admin(),
      kafka.producer({
        transactionalId: 'tx',
        maxInFlightRequests: 1,
        idempotent: true,
        createPartitioner: Partitioners.DefaultPartitioner,
      }),
    ]
    await admin.connect()
    if (life === 0) await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] })
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    assert.deepEqual(
      topics.map((found: ITopicMetadata) => found.partitions.length),
      [2],
    )
    await producer.connect()
    for (const [i, isCommitted] of [true, false, true].entries()) {
      const transaction = await producer.transaction()
      const value = `${life}${i}`
      await transaction.send({ topic, messages: [0, 1].map(partition => ({ partition, value })) })
      const offset = String(10 * life + i + 1)
      await transaction.sendOffsets({
        consumerGroupId: 'g',
        topics: [{ topic, partitions: [{ partition: 0, offset }] }],
      })
      await (isCommitted ? transaction.commit() : transaction.abort())
    }
    const [host, port] = broker.bootstrap.split(':')
    const raw = await RawClient.connect(realWorld().wire, { host: host!, port: Number(port) })
    for (const partition of [0, 1]) seen.push((await settled(raw, topic, partition)).committed)
    raw.close()
    const [committed] = await admin.fetchOffsets({ groupId: 'g', topics: [topic] })
    assert.equal(committed!.partitions.find(({ partition }) => partition === 0)!.offset, String(10 * life + 3))
    await Promise.all([producer.disconnect(), admin.disconnect()])
  }
  const first = ['00', '02']
  assert.deepEqual(seen, [first, first, [...first, '10', '12'], [...first, '10', '12']])
})
