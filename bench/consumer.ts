/**
 * Clients against our broker: records a second, decoded and handed over, of a topic that is there already. The clock runs from the
 * assignment of the partitions to the last record.
 */
import { type BenchClient, freshName, recordsOf } from './clients/client.ts'
import { kafkajsClient } from './clients/kafkajs.ts'
import { odradekClient } from './clients/odradek.ts'
import { platformaticClient } from './clients/platformatic.ts'
import { interleavedMedians } from './interleave.ts'
import type { Family, Row } from './row.ts'

const clients: readonly BenchClient[] = [odradekClient, kafkajsClient, platformaticClient]
const topics = [
  { size: '100 B', valueBytes: 100, records: 400_000 },
  { size: '1 kB', valueBytes: 1_000, records: 100_000 },
]
const patienceMs = 60_000

export const consumerFamily: Family = async place => {
  const { bootstrap } = await place.odradek()
  const rows: Row[] = []
  for (const { size, valueBytes, records } of topics) {
    const name = `consume ${size}`
    place.say(name)
    const topic = await filledTopic(bootstrap, records, valueBytes)
    const contestants = Object.fromEntries(
      clients.map(client => [client.name, () => readAll(client, bootstrap, topic, records)]),
    )
    const { odradek: ours, ...rivals } = await interleavedMedians(contestants, { warmUps: 0 })
    rows.push({ name, unit: 'records/s', ours: ours!, rivals })
  }
  return rows
}

export async function filledTopic(bootstrap: string, records: number, valueBytes: number): Promise<string> {
  const topic = freshName('consume')
  await kafkajsClient.createTopic(bootstrap, topic, 4)
  const producer = await platformaticClient.producer(bootstrap, 1)
  const batch = recordsOf(1_000, valueBytes)
  for (let sent = 0; sent < records; sent += batch.length) await producer.many(topic, batch)
  await producer.close()
  return topic
}

/** Records a second. */
export async function readAll(client: BenchClient, bootstrap: string, topic: string, records: number): Promise<number> {
  const { promise: done, resolve, reject } = Promise.withResolvers<number>()
  let count = 0
  let bytes = 0
  const timer = setTimeout(
    () => reject(new Error(`${client.name} has read ${count} of ${records} records after ${patienceMs} ms`)),
    patienceMs,
  )
  const consumer = await client.consumer(bootstrap, topic, value => {
    count++
    bytes += value.length
    if (count === records) resolve(performance.now())
  })
  try {
    const elapsedMs = (await done) - consumer.assignedAt
    if (bytes === 0) throw new Error(`${client.name} handed over empty records`)
    return (records / elapsedMs) * 1_000
  } finally {
    clearTimeout(timer)
    await consumer.close()
  }
}
