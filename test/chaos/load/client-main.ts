/** A client in a process of its own: `client-main.ts member HOST:PORT` or `producer`. Tells what it does, a line of JSON at a time. */
import { Kafka } from '@odradek/client'

const [role, bootstrap] = process.argv.slice(2)
const kafka = new Kafka({ brokers: bootstrap!, retryTimeoutMs: 120_000 })
const tell = (what: object) => process.stdout.write(`${JSON.stringify(what)}\n`)

async function produce(): Promise<void> {
  const producer = kafka.producer({ deliveryTimeoutMs: 180_000 })
  for (let n = 0; ; n++) {
    await producer.send('load', { value: `${n}`, partition: n % 6 })
    if (n % 50 === 0) tell({ did: 50 })
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}

async function consume(): Promise<void> {
  const consumer = kafka.consumer({
    group: 'readers',
    topics: ['load'],
    from: 'earliest',
    commit: 'manual',
    sessionTimeoutMs: 6_000,
    heartbeatIntervalMs: 500,
  })
  let owned = ''
  for await (const batch of consumer.batches({ max: 100, maxWaitMs: 20 })) {
    const { assignment } = consumer.engine.health()
    const { memberId, generation } = consumer.engine.membership()!
    const now = `${generation}: ${assignment.map(({ partition }) => partition).sort()}`
    if (now !== owned) tell({ memberId, generation, partitions: assignment.map(({ partition }) => partition) })
    owned = now
    await batch.commit().then(
      () => tell({ did: batch.length }),
      error => tell({ refused: String(error) }),
    )
  }
}

await (role === 'producer' ? produce() : consume())
