import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { Broker } from '@odradek/broker'
import { Kafka } from '../index.ts'

test('an answer is of the topic that was asked, also when that has another id by then', async () => {
  await using broker = await Broker.start({ data: { memory: true } })
  await using kafka = new Kafka({ brokers: broker.bootstrap })
  await kafka.admin().topics.create({ name: 'orders', partitions: 1 })
  const producer = kafka.producer()
  await producer.send('orders', { value: 'first' })
  const { cluster } = kafka
  const topic = cluster.topic.bind(cluster)
  const sent = producer.send('orders', { value: 'second' })
  // The request leaves in this turn; its answer comes in a later one.
  await new Promise(resolve => setImmediate(resolve))
  cluster.topic = name => {
    const found = topic(name)
    return found && { ...found, topicId: randomUUID() }
  }
  assert.equal((await sent).offset, 1)
})
