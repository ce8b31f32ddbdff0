/**
 * Clients against our broker, acks=all: records a second from the first call to the last answer. Each client with its own defaults:
 * ours is idempotent, the others are not.
 */
import { type BenchClient, type BenchProducer, type BenchRecord, freshName, recordsOf } from './clients/client.ts'
import { kafkajsClient } from './clients/kafkajs.ts'
import { odradekClient } from './clients/odradek.ts'
import { platformaticClient } from './clients/platformatic.ts'
import { interleavedMedians } from './interleave.ts'
import type { Family, Row } from './row.ts'

const clients: readonly BenchClient[] = [odradekClient, kafkajsClient, platformaticClient]

interface Manner {
  readonly name: string
  readonly records: number
  readonly send: (producer: BenchProducer, topic: string, records: BenchRecord[]) => Promise<unknown>
}

const batchRecords = 1_000
const batchesUnderWay = 5

const manners: readonly Manner[] = [
  { name: 'awaited singles', records: 300, send: awaited },
  {
    name: 'un-awaited singles',
    records: 10_000,
    send: (producer, topic, records) => Promise.all(records.map(record => producer.one(topic, record))),
  },
  { name: 'batches of 1,000', records: 50_000, send: inBatches },
]

export const producerFamily: Family = async place => {
  const { bootstrap } = await place.odradek()
  const rows: Row[] = []
  for (const valueBytes of [100, 1_000]) {
    for (const manner of manners) {
      const name = `produce ${valueBytes === 100 ? '100 B' : '1 kB'}, ${manner.name}`
      place.say(name)
      rows.push({ name, unit: 'records/s', ...(await contest(bootstrap, manner, valueBytes)) })
    }
  }
  return rows
}

async function contest(bootstrap: string, manner: Manner, valueBytes: number): Promise<Pick<Row, 'ours' | 'rivals'>> {
  const records = recordsOf(manner.records, valueBytes)
  const producers: BenchProducer[] = []
  const contestants: Record<string, () => Promise<number>> = {}
  for (const client of clients) {
    const topic = freshName('produce')
    await kafkajsClient.createTopic(bootstrap, topic, 4)
    const producer = await client.producer(bootstrap, -1)
    producers.push(producer)
    contestants[client.name] = async () => {
      const began = performance.now()
      await manner.send(producer, topic, records)
      return (records.length / (performance.now() - began)) * 1_000
    }
  }
  try {
    const { odradek: ours, ...rivals } = await interleavedMedians(contestants, { rounds: 5 })
    return { ours: ours!, rivals }
  } finally {
    await Promise.all(producers.map(producer => producer.close()))
  }
}

async function awaited(producer: BenchProducer, topic: string, records: BenchRecord[]): Promise<void> {
  for (const record of records) await producer.one(topic, record)
}

/** Five batches under way, so that waiting for the disk does not hide what a client costs. */
async function inBatches(producer: BenchProducer, topic: string, records: BenchRecord[]): Promise<void> {
  let at = 0
  const lane = async () => {
    while (at < records.length) {
      const from = at
      at += batchRecords
      await producer.many(topic, records.slice(from, from + batchRecords))
    }
  }
  await Promise.all(Array.from({ length: batchesUnderWay }, lane))
}
