/**
 * Exactly once: every order in, one payment out, whatever crashes in between. Run several with ids of their own, stop them as you like.
 *
 *     node examples/exactly-once.ts [HOST:PORT] [TRANSACTIONAL-ID]
 */
import { Kafka, serde, TransactionError, topic } from '@odradek/client'

interface Order {
  id: string
  total: number
}

const orders = topic('orders', { key: serde.string, value: serde.json<Order>() })
const payments = topic('payments', { key: serde.string, value: serde.json<{ order: string; amount: number }>() })

const [brokers = '127.0.0.1:9092', transactionalId = 'payments-1'] = process.argv.slice(2)
await using kafka = new Kafka({ brokers, clientId: transactionalId })
const producer = kafka.producer({ transactionalId })
const consumer = kafka.consumer({ group: 'payments', topics: [orders], from: 'earliest', isolation: 'read_committed' })
process.once('SIGINT', () => consumer.close())

await producer.takeOver() // what a crash has left open is aborted now, and not only when its time is over
for await (const batch of consumer.batches()) {
  try {
    await producer.transaction(async tx => {
      tx.commitOffsets(batch)
      for (const { key, value } of batch)
        if (value) tx.send(payments, { key, value: { order: value.id, amount: value.total } })
    })
    console.log(`${batch.length} orders are paid`)
  } catch (error) {
    if (!(error instanceof TransactionError) || error.fatal) throw error
    console.log(error.message) // the batch comes again, or goes to whoever has its partitions now
  }
}
