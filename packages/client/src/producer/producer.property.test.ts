/**
 * Whatever happens between an idempotent producer and its brokers, records that were acknowledged are there once, in their order, at
 * the offsets that were told. Each run is a seed: connections are cut, brokers stop and come back, leaders move, errors are answered.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCodes, Produce } from '@odradek/protocol'
import { SeededRandom } from '@odradek/world'
import { refusal } from '../testing/refusal.ts'
import type { ScriptedCluster } from '../testing/scripted-broker.ts'
import { simulated } from '../testing/simulated-cluster.ts'

const partitions = 3
const recordsPerRun = 600
const transient = [
  ErrorCodes.NOT_LEADER_OR_FOLLOWER,
  ErrorCodes.NOT_ENOUGH_REPLICAS,
  ErrorCodes.REQUEST_TIMED_OUT,
  ErrorCodes.KAFKA_STORAGE_ERROR,
]

function trouble(cluster: ScriptedCluster, random: SeededRandom): void {
  cluster.on(Produce, async (request, call) => {
    const dice = random.next()
    if (dice < 0.05) return 'hang-up'
    if (dice < 0.07) return 'silence'
    const errorCode = dice < 0.17 ? transient[random.int(transient.length)]! : 0
    const answered = errorCode ? undefined : await cluster.healthy(Produce, request, call)
    if (dice > 0.95) return 'hang-up' // appended, and the answer is lost
    return answered ?? refusal(request, errorCode)
  })
}

for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
  test(`acknowledged records are there once, in order, at their offsets (seed ${seed})`, async () => {
    const weather = { delayMs: [0.1, 5] as const, splitChance: 0.3, cutChance: 0.002 }
    const options = {
      seed,
      nodes: 2,
      topics: { t: partitions },
      weather,
      kafka: { requestTimeoutMs: 2_000, connectTimeoutMs: 2_000 },
    }
    await simulated(options, async ({ cluster, kafka, world, run }) => {
      const random = new SeededRandom(seed)
      trouble(cluster, random)
      const producer = kafka.producer({
        batchBytes: 200 + random.int(2_000),
        bufferBytes: 20_000,
        requestTimeoutMs: 2_000,
      })
      const sent: Promise<{ value: string; partition: number; offset: number }>[] = []
      for (let i = 0; i < recordsPerRun; i++) {
        const value = String(i)
        const partition = random.int(partitions)
        sent.push(producer.send('t', { value, partition }).then(({ offset }) => ({ value, partition, offset })))
        if (random.next() < 0.1) await world.clock.advance(random.int(20))
        if (random.next() < 0.01) cluster.topics.get('t')!.leaders[random.int(partitions)] = random.int(2)
        if (random.next() < 0.005) cluster.nodes[random.int(2)]!.hangUp()
      }
      const acknowledged = await run(Promise.all(sent))
      for (let partition = 0; partition < partitions; partition++) {
        const mine = acknowledged.filter(record => record.partition === partition)
        assert.deepEqual(
          cluster.partition('t', partition).values(),
          mine.map(({ value }) => value),
        )
        assert.deepEqual(
          mine.map(({ offset }) => offset),
          [...mine.keys()],
        )
      }
    })
  })
}
