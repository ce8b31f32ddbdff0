/**
 * One application, by turns in Kafka Streams and in ours: the same id, topics and names. Counts, windows, sessions and a join of tables
 * go on exactly where the other left them.
 *
 *     node test/conformance/java-streams/take-over.ts
 *
 * Where Java or Maven are missing it says so, and is done.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Broker } from '@odradek/broker'
import { Kafka, serde, topic } from '@odradek/client'
import { KafkaStreams, StreamsBuilder, session, tumbling } from '@odradek/streams'
import { kafkaStreams } from '../../../bench/peers/kafka-streams.ts'

const begin = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 3_600_000
const text = { key: serde.string, value: serde.string }
const counts = { key: serde.string, value: serde.int64 }
const settings = { applicationId: 'take-over', commitIntervalMs: 100, cacheMaxBytes: 0 }
const java = await kafkaStreams()
if (java) await takeOver([java[0], ...java.slice(1, -1), fileURLToPath(new URL('TakeOver.java', import.meta.url))])

async function takeOver([program, ...flags]: string[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'take-over-'))
  const broker = await Broker.start({ data: { memory: true }, config: { 'group.initial.rebalance.delay.ms': '0' } })
  const kafka = new Kafka({ brokers: broker.bootstrap })
  try {
    const names = ['words', 'left', 'right', 'totals', 'minutes', 'sessions', 'joined']
    await kafka.admin().topics.create(names.map(name => ({ name, partitions: 1 })))
    for (const round of [1, 2, 3]) {
      await write(kafka, round)
      if (round === 2) {
        await using app = new KafkaStreams(topology(), { ...settings, kafka, stateFolder: join(folder, 'ours') })
        await app.start()
        await written(kafka, round)
      } else {
        const child = spawn(program!, [...flags, broker.bootstrap, 'take-over', join(folder, 'java')], {
          stdio: ['pipe', 'ignore', 'ignore'],
        })
        const gone = once(child, 'exit')
        try {
          await written(kafka, round)
        } finally {
          child.stdin.end()
          await gone
          // Kafka Streams does not leave: its place is free when its session has ended.
          while ((await kafka.admin().groups.describe('take-over')).members.length > 0) await wait(100)
        }
      }
      console.log(`pass: round ${round}, ${round === 2 ? 'ours' : 'Kafka Streams'}`)
    }
  } finally {
    await kafka.close()
    await broker.close({ drain: false })
    await rm(folder, { recursive: true, force: true })
  }
}

function topology() {
  const builder = new StreamsBuilder()
  const words = builder.stream('words', text)
  words
    .groupBy(word => word, { ...text, name: 'by-word' })
    .count({ store: 'totals' })
    .toStream()
    .to('totals', counts)
  const byKey = words.groupByKey(text)
  const select = (_: unknown, { key }: { key: string }) => key
  const minutes = byKey.windowedBy(tumbling({ size: 60_000, grace: 0 })).count({ store: 'minutes' })
  minutes.toStream({ select, key: serde.string }).to('minutes', counts)
  const sessions = byKey.windowedBy(session({ gap: 30_000, grace: 0 })).count({ store: 'sessions' })
  sessions.toStream({ select, key: serde.string }).to('sessions', counts)
  builder
    .table('left', { ...text, store: 'left-rows' })
    .join(builder.table('right', { ...text, store: 'right-rows' }), (left, right) => left + right)
    .toStream()
    .to('joined', text)
  return builder.build()
}

/** A word a round, in one minute and one session; a row that waits for its other side until the next round. */
async function write(kafka: Kafka, round: number): Promise<void> {
  const producer = kafka.producer()
  const at = { timestamp: begin + round * 1_000 }
  await producer.sendAll(topic('words', text), [{ key: 'k', value: 'w', ...at }])
  await producer.sendAll(topic(round % 2 ? 'left' : 'right', text), [{ key: 'k', value: String(round), ...at }])
  await producer.close()
}

/** Waits for what the round adds, and asserts all there is since the first. */
async function written(kafka: Kafka, round: number): Promise<void> {
  const read = async (name: string, value = serde.int64 as typeof serde.int64 | typeof serde.string) => {
    const all = await Array.fromAsync(
      kafka.read(topic(name, { key: serde.string, value: value as typeof serde.int64 })),
    )
    return all.map(record => record.value as unknown)
  }
  const expected = {
    totals: [1, 2, 3].slice(0, round),
    minutes: [1, 2, 3].slice(0, round),
    sessions: [1, null, 2, null, 3].slice(0, 2 * round - 1),
    joined: ['12', '32'].slice(0, round - 1),
  }
  let found: unknown
  for (const end = performance.now() + 40_000; performance.now() < end; await wait(100)) {
    const [totals, minutes, sessions] = await Promise.all(['totals', 'minutes', 'sessions'].map(name => read(name)))
    found = { totals, minutes, sessions, joined: await read('joined', serde.string) }
    if (JSON.stringify(found) === JSON.stringify(expected)) return
  }
  assert.deepEqual(found, expected)
}
