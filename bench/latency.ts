/**
 * End to end, one record at a time, acks=1: from handing a record to a producer to its consumer having it; then the next. The same
 * client, in the same process, against our broker and against Apache Kafka.
 */
import { type BenchClient, freshName, recordsOf } from './clients/client.ts'
import { kafkajsClient } from './clients/kafkajs.ts'
import { odradekClient } from './clients/odradek.ts'
import { platformaticClient } from './clients/platformatic.ts'
import { percentile } from './interleave.ts'
import type { Family, Row, RunningBroker } from './row.ts'

const clients: readonly BenchClient[] = [odradekClient, kafkajsClient, platformaticClient]
const warmUps = 200
const rounds = 5
const recordsPerRound = 400
const percentiles = [
  ['p50', 0.5],
  ['p99', 0.99],
  ['p99.9', 0.999],
] as const

export const latencyFamily: Family = async place => {
  const brokers = [await place.odradek(), await place.apache()].filter(broker => broker !== null)
  const rows: Row[] = []
  for (const client of clients) {
    place.say(`latency with ${client.name}`)
    const lines = await Promise.all(
      brokers.map(async broker => ({ broker, times: [] as number[], line: await open(client, broker) })),
    )
    try {
      for (const { line } of lines) for (let i = 0; i < warmUps; i++) await line.send()
      for (let round = 0; round < rounds; round++)
        for (const { line, times } of lines) for (let i = 0; i < recordsPerRound; i++) times.push(await line.send())
    } finally {
      for (const { line } of lines) await line.close()
    }
    for (const [name, fraction] of percentiles) {
      const [ours, theirs] = lines.map(({ times }) => percentile(times, fraction))
      const rivals = theirs === undefined ? {} : { [brokers[1]!.name]: theirs }
      rows.push({ name: `latency with ${client.name}, ${name}`, unit: 'ms', lessIsBetter: true, ours: ours!, rivals })
    }
  }
  return rows
}

interface Line {
  /** Milliseconds until the record was back. */
  send(): Promise<number>
  close(): Promise<void>
}

async function open(client: BenchClient, { bootstrap }: RunningBroker): Promise<Line> {
  const topic = freshName('latency')
  await kafkajsClient.createTopic(bootstrap, topic, 1)
  const [record] = recordsOf(1, 100)
  let came = (): void => {}
  const producer = await client.producer(bootstrap, 1)
  const consumer = await client.consumer(bootstrap, topic, () => came())
  return {
    async send() {
      const began = performance.now()
      const back = new Promise<void>(resolve => {
        came = resolve
      })
      await Promise.all([producer.one(topic, record!), back])
      return performance.now() - began
    },
    async close() {
      await producer.close()
      await consumer.close()
    },
  }
}
