/**
 * Record batches: how many records a second are written and read, beside the JavaScript clients. A batch of 1,000 records with a key of
 * 9 bytes and a value of 100.
 *
 * Repetitions of all rivals take turns, so that a noisy moment hits all; the figure is the median. `node bench/codec.ts` prints a table.
 */
import { createRequire } from 'node:module'
import { decodeRecords, encodeBatch, hasValidCrc, type RecordInput } from '@odradek/protocol'
import { createRecordsBatch, Reader, readRecordsBatch } from '@platformatic/kafka'

export interface BenchRow {
  readonly name: string
  readonly unit: string
  readonly ours: number
  readonly rivals: Record<string, number>
}

/** Codes or decodes one batch. Each says what it is at 1,000 records a call. */
type Work = () => unknown

interface Contest {
  readonly name: string
  readonly ours: Work
  readonly rivals: Record<string, Work>
}

const recordCount = 1000
const repetitions = 15
const repetitionMs = 40
const timestamp = 1_700_000_000_000

export async function codecBench(): Promise<BenchRow[]> {
  const rows: BenchRow[] = []
  for (const contest of contests()) {
    const [ours = 0, ...theirs] = await medians([contest.ours, ...Object.values(contest.rivals)])
    const rivals = Object.fromEntries(Object.keys(contest.rivals).map((name, i) => [name, theirs[i] ?? 0]))
    rows.push({ name: contest.name, unit: 'M records/s', ours, rivals })
  }
  return rows
}

function contests(): Contest[] {
  const parts = Array.from({ length: recordCount }, (_, i) => ({
    key: Buffer.from(`key-${10_000 + i}`),
    value: Buffer.alloc(100, `value ${i} `),
  }))
  const records: RecordInput[] = parts.map((part, i) => ({ ...part, timestamp: timestamp + i }))
  const asText: RecordInput[] = parts.map((part, i) => ({
    key: part.key.toString(),
    value: part.value.toString(),
    timestamp: timestamp + i,
  }))
  const batch = encodeBatch(records)
  const buffer = Buffer.from(batch)
  const encoders = { kafkajs: kafkajsEncoder(parts), '@platformatic/kafka': platformaticEncoder(parts) }
  const decoders = {
    kafkajs: kafkajsDecoder(buffer),
    '@platformatic/kafka': () => readRecordsBatch(Reader.from(buffer) as any),
  }
  return [
    { name: 'encode a batch, bytes', ours: () => encodeBatch(records), rivals: encoders },
    { name: 'encode a batch, text', ours: () => encodeBatch(asText), rivals: encoders },
    { name: 'decode a batch, every part', ours: () => decodeAll(batch), rivals: decoders },
    { name: 'decode a batch, records only', ours: () => decodeLazily(batch), rivals: decoders },
    {
      name: 'decode a batch, records only, checksum',
      ours: () => hasValidCrc(batch) && decodeLazily(batch),
      rivals: decoders,
    },
  ]
}

function decodeAll(batch: Uint8Array): number {
  let sum = 0
  for (const record of decodeRecords(batch))
    sum += record.offset + record.timestamp + record.key!.length + record.value!.length + record.headers.length
  return sum
}

function decodeLazily(batch: Uint8Array): number {
  let sum = 0
  for (const record of decodeRecords(batch)) sum += record.sizeInBytes
  return sum
}

interface Part {
  readonly key: Buffer
  readonly value: Buffer
}

// kafkajs keeps its codec to itself, and without types.
const require = createRequire(import.meta.url)
const kafkajs = {
  record: require('kafkajs/src/protocol/recordBatch/record/v0/index.js'),
  batch: require('kafkajs/src/protocol/recordBatch/v0/index.js').RecordBatch,
  decodeBatch: require('kafkajs/src/protocol/recordBatch/v0/decoder.js'),
  Decoder: require('kafkajs/src/protocol/decoder.js'),
}

function kafkajsEncoder(parts: readonly Part[]): Work {
  return () => {
    const records = parts.map((part, i) => kafkajs.record({ offsetDelta: i, timestampDelta: i, ...part }))
    return kafkajs.batch({
      firstTimestamp: timestamp,
      maxTimestamp: timestamp + recordCount,
      lastOffsetDelta: recordCount - 1,
      records,
    })
  }
}

function kafkajsDecoder(batch: Buffer): Work {
  return () => kafkajs.decodeBatch(new kafkajs.Decoder(batch))
}

function platformaticEncoder(parts: readonly Part[]): Work {
  const messages = parts.map((part, i) => ({ ...part, topic: 'bench', timestamp: BigInt(timestamp + i) }))
  return () => createRecordsBatch(messages as any).dynamicBuffer
}

/** Million records a second of each. */
async function medians(works: readonly Work[]): Promise<number[]> {
  const results: number[][] = works.map(() => [])
  for (const work of works) await repeat(work)
  for (let i = 0; i < repetitions; i++) {
    for (const [index, work] of works.entries()) results[index]!.push(await repeat(work))
  }
  return results.map(figures => figures.sort((a, b) => a - b)[figures.length >> 1]!)
}

async function repeat(work: Work): Promise<number> {
  const start = performance.now()
  let calls = 0
  let elapsed = 0
  for (; elapsed < repetitionMs; elapsed = performance.now() - start, calls++) {
    const result = work()
    if (result instanceof Promise) await result
  }
  return (calls * recordCount) / elapsed / 1000
}

if (import.meta.main) {
  for (const { name, unit, ours, rivals } of await codecBench()) {
    const others = Object.entries(rivals).map(
      ([rival, figure]) => `${rival} ${figure.toFixed(2)} (${(ours / figure).toFixed(1)}×)`,
    )
    console.log(`${name.padEnd(40)} ${ours.toFixed(2).padStart(7)} ${unit}   ${others.join('   ')}`)
  }
}
