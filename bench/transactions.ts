/**
 * Transactions: commits a second of one producer whose transactions write one record to each of three partitions, one after the other;
 * and what read_committed costs a consumer of a topic that was written in transactions, every tenth of which was aborted.
 *
 * Commits come one after the other, some hundreds of microseconds of computing each: it takes ten seconds until both processes have
 * compiled what they do. Those are not counted, for nobody.
 */
import { Kafka } from '@odradek/client'
import { freshName } from './clients/client.ts'
import { interleavedMedians } from './interleave.ts'
import type { Family, Row, RunningBroker } from './row.ts'

const warmUpMs = 500
const measuredMs = 2_000
const transactions = 200
const recordsEach = 1_500

export const transactionsFamily: Family = async place => {
  const odradek = await place.odradek()
  const apache = await place.apache()
  return [await commitsRow(odradek, apache, place.say), await isolationRow(odradek, place.say)]
}

async function commitsRow(
  odradek: RunningBroker,
  apache: RunningBroker | null,
  say: (what: string) => void,
): Promise<Row> {
  const name = 'transactions of 3 partitions, one producer'
  say(name)
  const brokers = { odradek, ...(apache && { 'Apache Kafka': apache }) }
  const contestants = Object.fromEntries(
    Object.entries(brokers).map(([each, { bootstrap }]) => [each, () => commits(bootstrap)]),
  )
  const { odradek: ours, ...rivals } = await interleavedMedians(contestants, { rounds: 5, warmUps: 4 })
  return { name, unit: 'commits/s', ours: ours!, rivals }
}

async function commits(bootstrap: string): Promise<number> {
  await using kafka = new Kafka({ brokers: bootstrap, clientId: 'bench' })
  const topic = freshName('transactions')
  await kafka.admin().topics.create({ name: topic, partitions: 3 })
  const producer = kafka.producer({ transactionalId: topic })
  const value = 'x'.repeat(100)
  const one = () =>
    producer.transaction(tx =>
      tx.sendAll(
        topic,
        [0, 1, 2].map(partition => ({ partition, value })),
      ),
    )
  const until = async (end: number) => {
    let count = 0
    for (; performance.now() < end; count++) await one()
    return count
  }
  await until(performance.now() + warmUpMs)
  const start = performance.now()
  const count = await until(start + measuredMs)
  return (count / (performance.now() - start)) * 1_000
}

async function isolationRow({ bootstrap }: RunningBroker, say: (what: string) => void): Promise<Row> {
  const name = 'consume read_committed'
  say(name)
  const topic = freshName('isolation')
  const committed = await fill(bootstrap, topic)
  const all = transactions * recordsEach
  const { ours, uncommitted } = await interleavedMedians(
    {
      ours: () => consumed(bootstrap, topic, 'read_committed', committed),
      uncommitted: () => consumed(bootstrap, topic, 'read_uncommitted', all),
    },
    { rounds: 5 },
  )
  return { name, unit: 'records/s', ours: ours!, rivals: { read_uncommitted: uncommitted! } }
}

/** How many records were committed. */
async function fill(bootstrap: string, topic: string): Promise<number> {
  await using kafka = new Kafka({ brokers: bootstrap, clientId: 'bench' })
  await kafka.admin().topics.create({ name: topic, partitions: 4 })
  const producer = kafka.producer({ transactionalId: topic })
  const records = Array.from({ length: recordsEach }, (_, i) => ({ partition: i % 4, value: 'x'.repeat(100) }))
  let committed = 0
  const abort = new Error('aborted on purpose')
  for (let i = 0; i < transactions; i++) {
    const isAborted = i % 10 === 5
    const sent = producer.transaction(async tx => {
      await tx.sendAll(topic, records)
      if (isAborted) throw abort
    })
    await sent.catch(error => {
      if (error !== abort) throw error
    })
    if (!isAborted) committed += recordsEach
  }
  return committed
}

/** Records a second, of those in the topic, aborted ones included: they have to be read, too. */
async function consumed(
  bootstrap: string,
  topic: string,
  isolation: 'read_committed' | 'read_uncommitted',
  expected: number,
): Promise<number> {
  await using kafka = new Kafka({ brokers: bootstrap, clientId: 'bench' })
  const assigned = Promise.withResolvers<number>()
  const consumer = kafka.consumer({
    ...{ group: freshName('group'), topics: [topic], from: 'earliest', isolation },
    onAssigned: () => assigned.resolve(performance.now()),
  })
  let count = 0
  for await (const _ of consumer) if (++count === expected) break
  return ((transactions * recordsEach) / (performance.now() - (await assigned.promise))) * 1_000
}
