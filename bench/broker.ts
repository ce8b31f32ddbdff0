/**
 * Brokers under the same client: megabytes a second, 1 kB records in batches of 1,000 to 4 partitions. Two clients nobody here wrote, and
 * ours, which asks more of a broker. With acks=all only our broker waits for the disk.
 */
import { type BenchClient, type BenchProducer, freshName, recordsOf } from './clients/client.ts'
import { kafkajsClient } from './clients/kafkajs.ts'
import { odradekClient } from './clients/odradek.ts'
import { platformaticClient } from './clients/platformatic.ts'
import { filledTopic, readAll } from './consumer.ts'
import { interleavedMedians } from './interleave.ts'
import type { Family, Row, RunningBroker } from './row.ts'

const clients: readonly BenchClient[] = [kafkajsClient, platformaticClient, odradekClient]
const valueBytes = 1_000
const batches = 40
const batchesUnderWay = 4
const recordsToRead = 60_000
const megabytes = (records: number) => (records * valueBytes) / 1e6

export const brokerFamily: Family = async place => {
  const brokers = [await place.odradek(), await place.apache()].filter(broker => broker !== null)
  const rows: Row[] = []
  for (const client of clients) {
    for (const acks of [1, -1] as const) {
      const name = `broker produce with ${client.name}, acks=${acks === 1 ? '1' : 'all'}`
      place.say(name)
      rows.push(await produceRow(name, client, acks, brokers))
    }
  }
  const topics = await Promise.all(brokers.map(({ bootstrap }) => filledTopic(bootstrap, recordsToRead, valueBytes)))
  for (const client of clients) {
    const name = `broker fetch with ${client.name}`
    place.say(name)
    const contestants = brokers.map(
      (broker, i) => [broker.name, () => readAll(client, broker.bootstrap, topics[i]!, recordsToRead)] as const,
    )
    const rates = await interleavedMedians(Object.fromEntries(contestants))
    rows.push(rowOf(name, Object.fromEntries(Object.entries(rates).map(([broker, rate]) => [broker, megabytes(rate)]))))
  }
  return rows
}

async function produceRow(
  name: string,
  client: BenchClient,
  acks: 1 | -1,
  brokers: readonly RunningBroker[],
): Promise<Row> {
  const producers: BenchProducer[] = []
  const contestants: Record<string, () => Promise<number>> = {}
  for (const broker of brokers) {
    const topic = freshName('broker')
    await kafkajsClient.createTopic(broker.bootstrap, topic, 4)
    const producer = await client.producer(broker.bootstrap, acks)
    producers.push(producer)
    contestants[broker.name] = () => produced(producer, topic)
  }
  try {
    return rowOf(name, await interleavedMedians(contestants, { rounds: 5 }))
  } finally {
    await Promise.all(producers.map(producer => producer.close()))
  }
}

/** Megabytes a second. */
async function produced(producer: BenchProducer, topic: string): Promise<number> {
  const records = recordsOf(1_000, valueBytes)
  let left = batches
  const began = performance.now()
  const lane = async () => {
    while (left-- > 0) await producer.many(topic, records)
  }
  await Promise.all(Array.from({ length: batchesUnderWay }, lane))
  return megabytes(batches * records.length) / ((performance.now() - began) / 1_000)
}

function rowOf(name: string, { odradek: ours, ...rivals }: Record<string, number>): Row {
  return { name, unit: 'MB/s', ours: ours!, rivals }
}
