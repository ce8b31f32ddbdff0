/**
 * Our producer and our broker in one process and in simulated time, on a bad network: connections break, bytes are split and late,
 * hosts are cut off from each other for a while. Every acknowledged record is in the log once, in order, where it was said to be.
 *
 * Replay one seed: SEED=7 node --test test/simulation/produce.test.ts
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Broker } from '@odradek/broker'
import { Kafka } from '@odradek/client'
import { SeededRandom, simulatedWorld } from '@odradek/world'

const seeds = process.env.SEED ? [Number(process.env.SEED)] : [1, 2, 3, 4]
const partitions = 4
const records = 400

for (const seed of seeds) {
  test(`what was acknowledged over a bad network is there once and in order (seed ${seed})`, async () => {
    const world = simulatedWorld({ seed, weather: { delayMs: [0.1, 8], splitChance: 0.3, cutChance: 0.003 } })
    const run = <T>(promise: Promise<T>) => world.clock.finish(promise)
    const listen = { host: 'broker', port: 9092 }
    const broker = await run(
      Broker.start({
        world: world.machine('broker').boot(),
        listen,
        data: { memory: true },
        nodes: 2,
        config: { 'odradek.insecure.network': 'true' },
      }),
    )
    const kafka = new Kafka({
      brokers: 'broker:9092',
      world: world.machine('client').boot(),
      requestTimeoutMs: 3_000,
      connectTimeoutMs: 2_000,
    })
    await run(kafka.admin().topics.create({ name: 't', partitions }))
    const sent = produce(kafka, world, new SeededRandom(seed))
    const acknowledged = await run(sent)
    for (let partition = 0; partition < partitions; partition++) {
      const mine = acknowledged.filter(record => record.partition === partition)
      assert.deepEqual(
        mine.map(({ offset }) => offset),
        [...mine.keys()],
      )
    }
    const read = await run(Array.fromAsync(kafka.read('t', { from: 'earliest', until: 'end' })))
    const found = read.map(({ partition, offset, value }) => `${partition}/${offset} ${Buffer.from(value!)}`)
    assert.deepEqual(
      found.sort(),
      acknowledged.map(({ partition, offset, value }) => `${partition}/${offset} ${value}`).sort(),
    )
    await run(kafka.close())
    await run(broker.close({ drain: false }))
  })
}

type Acknowledged = { value: string; partition: number; offset: number }

async function produce(
  kafka: Kafka,
  world: ReturnType<typeof simulatedWorld>,
  random: SeededRandom,
): Promise<Acknowledged[]> {
  const producer = kafka.producer({ batchBytes: 300 + random.int(2_000), bufferBytes: 30_000, requestTimeoutMs: 3_000 })
  const sent: Promise<Acknowledged>[] = []
  for (let i = 0; i < records; i++) {
    const value = String(i)
    const partition = random.int(partitions)
    sent.push(producer.send('t', { value, partition }).then(({ offset }) => ({ value, partition, offset })))
    if (random.next() < 0.2) await new Promise<void>(resolve => world.clock.timer(random.int(30), resolve))
    if (random.next() < 0.01) world.wire.cut('client', 'broker')
    if (random.next() < 0.005) {
      world.wire.partition('client', 'broker')
      world.clock.timer(random.int(6_000), () => world.wire.heal())
    }
  }
  return Promise.all(sent)
}
