/**
 * A job queue: twenty mails to send, three workers, one partition. Every job is done by one worker; one that fails is tried again, one
 * that nobody can do is rejected. Ends when all jobs are done; start it again for twenty more, in several terminals if you like.
 *
 *     node examples/job-queue.ts [HOST:PORT]
 */
import { Kafka, type QueueRecordOf, serde, topic } from '@odradek/client'

interface Mail {
  to: string
}
const mails = topic('mails', { key: serde.string, value: serde.json<Mail>() })

await using kafka = new Kafka({ brokers: process.argv[2] ?? '127.0.0.1:9092' })
await kafka.admin().topics.create({ name: mails.name, partitions: 1 }, { ifNotExists: true })

const round = process.pid
const jobs = Array.from({ length: 20 }, (_, i) => ({ key: `${round}/${i}`, value: { to: `user${i}@example.org` } }))
await kafka.producer().sendAll(mails, jobs)

const open = new Set(jobs.map(({ key }) => key))
const done = Promise.withResolvers<void>()

class NoSuchAddress extends Error {}

function send(worker: number) {
  return async ({ key, value, deliveryCount }: QueueRecordOf<typeof mails>) => {
    if (key?.endsWith('/3') && deliveryCount === 1) throw new Error('the mail server is busy') // comes again
    if (key !== null) open.delete(key)
    if (open.size === 0) done.resolve()
    if (key?.endsWith('/13')) throw new NoSuchAddress() // never again
    console.log(`worker ${worker} sends to ${value?.to}${deliveryCount > 1 ? `, delivery ${deliveryCount}` : ''}`)
  }
}

const workers = [1, 2, 3].map(worker => {
  const queue = kafka.queue({ group: 'mailers', topics: [mails], from: 'earliest', maxInFlight: 4 })
  const onError = (error: unknown) => (error instanceof NoSuchAddress ? 'reject' : 'release')
  return { queue, running: queue.run(send(worker), { concurrency: 2, onError }) }
})

await done.promise
for (const { queue, running } of workers) {
  await queue.close() // what is under way is finished, and acknowledged
  await running
}
console.log('all mails are sent')
