/**
 * What it takes until a batch is durable. The engine itself, without a socket: each of so many partitions has one batch under way, and
 * sends the next one when it is answered. As it is by default, against a sync of its own file for everything. And one producer with
 * acks=all against itself with acks=1.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AppendBatch, defaultLogConfig, EmbeddedEngine } from '@odradek/log'
import { encodeBatch } from '@odradek/protocol'
import { realClock, realDisk } from '@odradek/world'
import { freshName, recordsOf } from './clients/client.ts'
import { kafkajsClient } from './clients/kafkajs.ts'
import { odradekClient } from './clients/odradek.ts'
import { interleavedMedians, median, percentile } from './interleave.ts'
import type { Family, Row, RunningBroker } from './row.ts'

const warmUpMs = 300
const measuredMs = 1_000
const rounds = 3
const perPartition = 'a sync per file'

export const commitFamily: Family = async place => {
  const rows: Row[] = []
  for (const bytes of [1_000, 64_000]) {
    for (const partitions of [1, 100, 1_000]) {
      const name = `commit ${bytes / 1_000} kB, ${partitions} partition${partitions === 1 ? '' : 's'}`
      place.say(name)
      const { ours, theirs } = await contest(partitions, bytes)
      rows.push({ name, unit: 'commits/s', ours: ours.rate, rivals: { [perPartition]: theirs.rate } })
      for (const what of ['p50', 'p99'] as const)
        rows.push({
          ...{ name: `${name}, ${what}`, unit: 'ms', lessIsBetter: true },
          ...{ ours: ours[what], rivals: { [perPartition]: theirs[what] } },
        })
    }
  }
  place.say('first appends')
  rows.push({
    name: 'first append to each of 2,000 partitions',
    unit: 's',
    lessIsBetter: true,
    ours: await firstAppends(2_000),
    rivals: {},
  })
  for (const client of [odradekClient, kafkajsClient]) {
    place.say(`acks with ${client.name}`)
    rows.push(await acksRow(await place.odradek(), client))
  }
  return rows
}

interface Figures {
  rate: number
  p50: number
  p99: number
}

/** They take turns; medians. */
async function contest(partitions: number, bytes: number): Promise<{ ours: Figures; theirs: Figures }> {
  const figures: Record<'ours' | 'theirs', Figures[]> = { ours: [], theirs: [] }
  for (let round = 0; round < rounds; round++) {
    figures.ours.push(await commits(partitions, bytes, {}))
    figures.theirs.push(await commits(partitions, bytes, { journalBytes: 0 }))
  }
  const medians = (all: Figures[]): Figures => ({
    rate: median(all.map(({ rate }) => rate)),
    p50: median(all.map(({ p50 }) => p50)),
    p99: median(all.map(({ p99 }) => p99)),
  })
  return { ours: medians(figures.ours), theirs: medians(figures.theirs) }
}

async function withEngine<T>(
  partitions: number,
  limits: object,
  use: (engine: EmbeddedEngine) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'odradek-bench-'))
  const engine = await EmbeddedEngine.start({ clock: realClock, disk: realDisk, folder, leaderEpoch: 0, limits })
  try {
    const topicId = '0b54ae27-c8a1-4d0e-b3a5-1f4d8a3b9c01'
    await engine.open({
      topicId,
      name: 'bench',
      config: defaultLogConfig,
      partitions: Array.from({ length: partitions }, (_, index) => ({ index, id: index })),
    })
    return await use(engine)
  } finally {
    await engine.close({ drain: false })
    await rm(folder, { recursive: true })
  }
}

/** The engine changes a batch in place and keeps it for readers: each append has its own. */
function batchMaker(bytes: number): (partition: number) => AppendBatch {
  const encoded = encodeBatch([{ value: Buffer.alloc(bytes - 70) }])
  const plain = { producerId: -1n, producerEpoch: -1, baseSequence: -1, transactional: false, control: false }
  return partition => ({ ...plain, partition, bytes: encoded.slice(), recordCount: 1, offsetCount: 1, maxTimestamp: 0 })
}

function commits(partitions: number, bytes: number, limits: object): Promise<Figures> {
  const batchOf = batchMaker(bytes)
  return withEngine(partitions, limits, async engine => {
    const deadline = Number.POSITIVE_INFINITY
    const ids = Array.from({ length: partitions }, (_, id) => id)
    await engine.append(ids.map(batchOf), { acks: -1, deadline })
    const from = performance.now() + warmUpMs
    const until = from + measuredMs
    const times: number[] = []
    const lane = async (id: number) => {
      for (let began = performance.now(); began < until; began = performance.now()) {
        const [answer] = await engine.append([batchOf(id)], { acks: -1, deadline })
        if (!answer!.ok) throw new Error(`an append failed with error ${answer!.error}`)
        if (began >= from) times.push(performance.now() - began)
      }
    }
    await Promise.all(ids.map(lane))
    return { rate: (times.length / measuredMs) * 1_000, p50: percentile(times, 0.5), p99: percentile(times, 0.99) }
  })
}

/** Seconds: a folder and its files for each. */
function firstAppends(partitions: number): Promise<number> {
  const batchOf = batchMaker(1_000)
  return withEngine(partitions, {}, async engine => {
    const began = performance.now()
    const batches = Array.from({ length: partitions }, (_, id) => batchOf(id))
    await engine.append(batches, { acks: -1, deadline: Number.POSITIVE_INFINITY })
    return (performance.now() - began) / 1_000
  })
}

const recordsPerBatch = 1_000
const valueBytes = 1_000
const batches = 60
const batchesUnderWay = 5

/** One producer, one partition. */
async function acksRow({ bootstrap }: RunningBroker, client: typeof odradekClient): Promise<Row> {
  const records = recordsOf(recordsPerBatch, valueBytes)
  const topic = freshName('acks')
  await kafkajsClient.createTopic(bootstrap, topic, 1)
  const producers = { all: await client.producer(bootstrap, -1), one: await client.producer(bootstrap, 1) }
  const run = async (producer: (typeof producers)['all']) => {
    let left = batches
    const began = performance.now()
    const lane = async () => {
      while (left-- > 0) await producer.many(topic, records)
    }
    await Promise.all(Array.from({ length: batchesUnderWay }, lane))
    return (batches * recordsPerBatch * valueBytes) / 1e3 / (performance.now() - began)
  }
  try {
    const contestants = { all: () => run(producers.all), 'acks=1': () => run(producers.one) }
    const { all, ...rivals } = await interleavedMedians(contestants, { rounds: 5 })
    return { name: `acks=all with ${client.name}, one partition, 1 kB`, unit: 'MB/s', ours: all!, rivals }
  } finally {
    await Promise.all([producers.all.close(), producers.one.close()])
  }
}
