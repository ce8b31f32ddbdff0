import { Admin, Consumer, MessagesStreamModes, Producer } from '@platformatic/kafka'
import { type BenchClient, freshName } from './client.ts'

const optionsAt = (bootstrap: string) => ({ clientId: 'bench', bootstrapBrokers: [bootstrap] })

export const platformaticClient: BenchClient = {
  name: '@platformatic/kafka',
  async createTopic(bootstrap, topic, partitions) {
    const admin = new Admin(optionsAt(bootstrap))
    await admin.createTopics({ topics: [topic], partitions, replicas: 1 })
    await admin.close()
  },
  async producer(bootstrap, acks) {
    const producer = new Producer<Buffer, Buffer, Buffer, Buffer>(optionsAt(bootstrap))
    return {
      one: (topic, { key, value }) => producer.send({ acks, messages: [{ topic, key, value }] }),
      many: (topic, records) =>
        producer.send({ acks, messages: records.map(({ key, value }) => ({ topic, key, value })) }),
      close: () => producer.close(),
    }
  },
  async consumer(bootstrap, topic, received) {
    const consumer = new Consumer<Buffer, Buffer, Buffer, Buffer>({
      ...optionsAt(bootstrap),
      groupId: freshName('group'),
    })
    const stream = await consumer.consume({ topics: [topic], mode: MessagesStreamModes.EARLIEST, autocommit: 1_000 })
    const assignedAt = performance.now()
    stream.on('data', ({ value }) => received(value))
    return { assignedAt, close: () => consumer.close(true) }
  },
}
