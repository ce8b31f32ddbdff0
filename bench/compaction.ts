/**
 * Compaction: how much dirty log one thread gets through, what a key costs, and what a producer notices of it.
 *
 * Each log is written with every key several times over, then compacted in one pass: the first of an engine with nothing beside it, its
 * thread's start included, the second beside a producer, which sends one batch of 1 kB after the other, acks=all, to another partition
 * of the same engine. It is timed before that pass, and while it lasts.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import module from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type AppendBatch, defaultLogConfig, EmbeddedEngine, type LogConfig } from '@odradek/log'
import { encodeBatch } from '@odradek/protocol'
import { realClock, realDisk } from '@odradek/world'
import { median, percentile } from './interleave.ts'
import type { Family, Row } from './row.ts'

const megabyte = 1e6
const rounds = 3
const logBytes = 96 * megabyte
const batchBytes = 16_000
const shapes = [
  { valueBytes: 1000, keys: 20_000 },
  { valueBytes: 100, keys: 250_000 },
] as const
const quietMs = 2000

const config: LogConfig = {
  ...{ ...defaultLogConfig, cleanupPolicy: ['compact'], fileDeleteDelayMs: 0 },
  ...{ segmentBytes: 32 * megabyte, retentionMs: -1, segmentMs: -1 },
}

/** What a pass says of itself. */
interface Pass {
  bytesRead: number
  ms: number
  keys: number
  tableBytes: number
}

export const compactionFamily: Family = async place => {
  const rows: Row[] = []
  const alone: number[] = []
  const meanwhile: number[] = []
  // As the command line does for a broker.
  module.enableCompileCache()
  for (const shape of shapes) {
    place.say(`compaction of ${shape.valueBytes} B values`)
    const rates: number[] = []
    const ratesBeside: number[] = []
    const perKey: number[] = []
    for (let round = 0; round < rounds; round++) {
      const figures = await measure(shape)
      rates.push(figures.rate)
      ratesBeside.push(figures.rateBeside)
      perKey.push(figures.bytesPerKey)
      alone.push(figures.alone)
      meanwhile.push(figures.meanwhile)
    }
    const of = `${shape.valueBytes} B values, ${shape.keys.toLocaleString('en')} keys`
    const rate = { unit: 'MB/s', rivals: {} }
    rows.push({ ...rate, name: `compaction of dirty log, ${of}`, ours: median(rates) })
    rows.push({ ...rate, name: `compaction beside a producer, ${of}`, ours: median(ratesBeside) })
    rows.push({
      name: `compaction memory a key, ${of}`,
      unit: 'B',
      lessIsBetter: true,
      ours: median(perKey),
      rivals: {},
    })
  }
  const [before, during] = [median(alone), median(meanwhile)]
  const produce = { unit: 'ms', lessIsBetter: true, rivals: {} }
  rows.push({ ...produce, name: 'produce p99, nothing compacted', ours: before })
  rows.push({ ...produce, name: 'produce p99, beside compaction', ours: during })
  rows.push({
    name: 'produce p99 beside compaction, times that without',
    unit: '×',
    lessIsBetter: true,
    ours: during / before,
    rivals: {},
  })
  return rows
}

async function measure(shape: (typeof shapes)[number]) {
  const folder = await mkdtemp(join(tmpdir(), 'odradek-bench-'))
  let isEnabled = false
  const passes: Pass[] = []
  const logger = {
    info: (fields: object, message: string) => void (message === 'compacted a log' && passes.push(fields as Pass)),
    warn: () => {},
    error: (fields: object, message: string) => console.error(message, fields),
  }
  const engine = await EmbeddedEngine.start({
    ...{ clock: realClock, disk: realDisk, folder, leaderEpoch: 1, logger },
    cleaner: () => ({ isEnabled, backoffMs: 10 }),
  })
  const open = (topicId: string, name: string, id: number, cleanupPolicy: LogConfig['cleanupPolicy']) =>
    engine.open({ topicId, name, partitions: [{ index: 0, id }], config: { ...config, cleanupPolicy } })
  try {
    await open('0b54ae27-c8a1-4d0e-b3a5-1f4d8a3b9c01', 'first', 1, ['compact'])
    await open('0b54ae27-c8a1-4d0e-b3a5-1f4d8a3b9c02', 'second', 2, ['compact'])
    await open('0b54ae27-c8a1-4d0e-b3a5-1f4d8a3b9c03', 'other', 3, ['delete'])
    await fill(engine, 1, shape)
    isEnabled = true
    while (passes.length === 0) await setTimeout(10)
    isEnabled = false
    await fill(engine, 2, shape)
    const append = () => engine.append([batchOf(3, ['other'], 1000)], { acks: -1, deadline: Number.POSITIVE_INFINITY })
    const until = performance.now() + quietMs
    const alone = await times(append, () => performance.now() > until)
    isEnabled = true
    const meanwhile = await times(append, () => passes.length > 1)
    const [first, second] = passes as [Pass, Pass]
    return {
      ...{ rate: rateOf(first), rateBeside: rateOf(second), bytesPerKey: first.tableBytes / first.keys },
      ...{ alone: percentile(alone, 0.99), meanwhile: percentile(meanwhile, 0.99) },
    }
  } finally {
    await engine.close({ drain: false })
    await rm(folder, { recursive: true })
  }
}

/** All of it was dirty: it is read once for its keys, and once more to be written anew. */
const rateOf = ({ bytesRead, ms }: Pass): number => bytesRead / 2 / megabyte / (ms / 1000)

async function fill(
  engine: EmbeddedEngine,
  partition: number,
  { valueBytes, keys }: { valueBytes: number; keys: number },
): Promise<void> {
  const count = Math.floor(batchBytes / (valueBytes + 25))
  for (let size = 0; size < logBytes; ) {
    const batches: AppendBatch[] = []
    for (let i = 0; i < 64; i++) {
      const names = Array.from(
        { length: count },
        () => `customer-${String(Math.floor(Math.random() * keys)).padStart(11, '0')}`,
      )
      const batch = batchOf(partition, names, valueBytes)
      batches.push(batch)
      size += batch.bytes.length
    }
    await engine.append(batches, { acks: 1, deadline: Number.POSITIVE_INFINITY })
  }
}

function batchOf(partition: number, keys: readonly string[], valueBytes: number): AppendBatch {
  const value = Buffer.alloc(valueBytes, 'x')
  const timestamp = Date.now()
  const bytes = encodeBatch(keys.map(key => ({ key, value, timestamp })))
  return {
    ...{ partition, bytes, recordCount: keys.length, offsetCount: keys.length, maxTimestamp: timestamp },
    ...{ producerId: -1n, producerEpoch: -1, baseSequence: -1, transactional: false, control: false },
  }
}

/** Milliseconds of each, one after the other, until it is over. */
async function times(act: () => Promise<unknown>, isOver: () => boolean): Promise<number[]> {
  const taken: number[] = []
  while (!isOver()) {
    const began = performance.now()
    await act()
    taken.push(performance.now() - began)
  }
  return taken
}
