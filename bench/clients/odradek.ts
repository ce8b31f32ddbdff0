import { Kafka } from '@odradek/client'
import { type BenchClient, freshName } from './client.ts'

const kafkaAt = (bootstrap: string) => new Kafka({ brokers: bootstrap, clientId: 'bench' })

export const odradekClient: BenchClient = {
  name: 'odradek',
  async createTopic(bootstrap, topic, partitions) {
    await using kafka = kafkaAt(bootstrap)
    await kafka.admin().topics.create({ name: topic, partitions })
  },
  async producer(bootstrap, acks) {
    const kafka = kafkaAt(bootstrap)
    const producer = kafka.producer({ acks: acks === 1 ? 1 : 'all' })
    return {
      one: (topic, record) => producer.send(topic, record),
      many: (topic, records) => producer.sendAll(topic, records),
      close: () => kafka.close(),
    }
  },
  async consumer(bootstrap, topic, received) {
    const kafka = kafkaAt(bootstrap)
    const assigned = Promise.withResolvers<number>()
    const consumer = kafka.consumer({
      group: freshName('group'),
      topics: [topic],
      from: 'earliest',
      onAssigned: () => assigned.resolve(performance.now()),
    })
    const ended = (async () => {
      for await (const { value } of consumer) received(value!)
    })()
    return {
      assignedAt: await assigned.promise,
      close: async () => {
        await kafka.close()
        await ended
      },
    }
  },
}
