import kafkajs from 'kafkajs'
import { type BenchClient, freshName } from './client.ts'

// The partitioner it will have from now on, without the warning that it has changed.
const { Kafka, Partitioners, logLevel } = kafkajs
const clusterAt = (bootstrap: string) =>
  new Kafka({ clientId: 'bench', brokers: [bootstrap], logLevel: logLevel.NOTHING })

export const kafkajsClient: BenchClient = {
  name: 'kafkajs',
  async createTopic(bootstrap, topic, partitions) {
    const admin = clusterAt(bootstrap).admin()
    await admin.connect()
    await admin.createTopics({
      waitForLeaders: true,
      topics: [{ topic, numPartitions: partitions, replicationFactor: 1 }],
    })
    await admin.disconnect()
  },
  async producer(bootstrap, acks) {
    const producer = clusterAt(bootstrap).producer({ createPartitioner: Partitioners.DefaultPartitioner })
    await producer.connect()
    return {
      one: (topic, record) => producer.send({ topic, acks, messages: [record] }),
      many: (topic, messages) => producer.send({ topic, acks, messages }),
      close: () => producer.disconnect(),
    }
  },
  async consumer(bootstrap, topic, received) {
    const consumer = clusterAt(bootstrap).consumer({ groupId: freshName('group') })
    const assigned = new Promise<number>(resolve => {
      consumer.on(consumer.events.GROUP_JOIN, () => resolve(performance.now()))
    })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    // By the batch: its faster way.
    await consumer.run({
      eachBatch: async ({ batch }) => {
        for (const { value } of batch.messages) received(value!)
      },
    })
    return { assignedAt: await assigned, close: () => consumer.disconnect() }
  },
}
