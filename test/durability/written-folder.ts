/**
 * A data folder with something of everything in it, and the truth about it: what was acknowledged. Harm is done to copies of it, and
 * `folder-check.ts` compares what a broker makes of them with the truth.
 */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Broker } from '@odradek/broker'
import {
  CreateTopics,
  DeleteRecords,
  ErrorCodes,
  eachBatch,
  encodeBatch,
  Fetch,
  FindCoordinator,
  InitProducerId,
  Metadata,
  OffsetCommit,
  Produce,
} from '@odradek/protocol'
import { memoryWire, realWorld, type World } from '@odradek/world'
import { RawClient } from '../../packages/broker/src/testing/raw-client.ts'
import { fetchRequest, type ProducedPartition, produceRequest } from '../../packages/broker/src/testing/test-broker.ts'

export interface PartitionTruth {
  topic: string
  partition: number
  logStart: number
  /** Values by offset; those before the log start are gone. */
  values: string[]
  /** The last batch of its producer: sent again, it must be known. */
  lastBatch: Uint8Array
  lastBaseOffset: number
}

export interface Truth {
  clusterId: string | null
  leaderEpoch: number
  topicIds: Record<string, string>
  partitions: PartitionTruth[]
  /** Of the group `readers`, for each partition of `orders`. */
  committed: number[]
  largestProducerId: bigint
}

/** Records that are known to be lost, of a log as `topic-partition`. */
export interface LostRange {
  log: string
  from: number
  to: number
}

export interface WrittenFolder {
  folder: string
  truth: Truth
  ending: Ending
  lost: LostRange[]
}

/** In memory where there is such a place: it is not the disk that is tested, and thousands of copies are made. */
const scratch = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

export const scratchFolder = (): string => mkdtempSync(join(scratch, 'odradek-harm-'))

/** A broker in this process, over a wire in memory; its warnings and errors. */
export async function brokerOn(folder: string): Promise<{ broker: Broker; client: RawClient; lines: string[] }> {
  const lines: string[] = []
  const note = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`)
  const world: World = { ...realWorld(), wire: memoryWire() }
  const broker = await Broker.start({
    world,
    listen: { host: 'broker', port: 9092 },
    advertise: { host: 'broker', port: 9092 },
    data: { folder },
    config: { 'offsets.topic.num.partitions': '2', 'odradek.insecure.network': 'true' },
    logger: { debug() {}, info() {}, warn: note, error: note },
  })
  return { broker, client: await RawClient.connect(world.wire, { host: 'broker', port: 9092 }), lines }
}

/** How the last broker on the folder ended. `harmed`: it found damage, put it into quarantine, and ended in order. */
export type Ending = 'closed' | 'killed' | 'harmed'

export async function writeFolder(ending: Ending): Promise<WrittenFolder> {
  const written = await writeAll(ending === 'killed')
  return ending === 'harmed' ? harm(written) : { ...written, ending, lost: [] }
}

/** What a process leaves that is killed is what its files hold at that moment. */
async function writeAll(isKilled: boolean): Promise<{ folder: string; truth: Truth }> {
  const folder = scratchFolder()
  const { broker, client } = await brokerOn(folder)
  await createTopics(client)
  // At the same time: the journal is for those who are not alone.
  const partitions = await Promise.all(
    plan.map(([topic, partition, batches]) => fillPartition(client, topic, partition, batches)),
  )
  await trim(client, partitions[2]!, 7)
  const committed = [11, 22, 8]
  for (const earlier of [5, 0])
    await commit(
      client,
      committed.map(offset => offset - earlier),
    )
  const { clusterId, topics } = await client.call(Metadata, 12, { topics: null })
  const { producerId } = await client.call(InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 60_000 })
  const truth: Truth = {
    clusterId,
    leaderEpoch: topics[0]!.partitions[0]!.leaderEpoch,
    topicIds: Object.fromEntries(topics.map(({ name, topicId }) => [name, topicId])),
    partitions,
    committed,
    largestProducerId: producerId,
  }
  const image = scratchFolder()
  if (isKilled) cpSync(folder, image, { recursive: true })
  client.close()
  await broker.close({ drain: !isKilled })
  rmSync(isKilled ? folder : image, { recursive: true })
  return { folder: isKilled ? image : folder, truth }
}

/** One batch in the middle of `orders-1` is damaged, and that is known. */
async function harm({ folder, truth }: { folder: string; truth: Truth }): Promise<WrittenFolder> {
  const path = join(folder, 'orders-1', '00000000000000000000.log')
  const bytes = readFileSync(path)
  const batch = [...eachBatch(bytes)][3]!
  const from = batch.baseOffset
  const to = from + batch.lastOffsetDelta + 1
  bytes[batch.at + 100]! ^= 1
  writeFileSync(path, bytes)
  const { broker, client } = await brokerOn(folder)
  const { responses } = await client.call(Fetch, 12, fetchRequest('orders', from, { partition: 1 }))
  const { errorCode } = responses[0]!.partitions[0]!
  if (errorCode !== ErrorCodes.CORRUPT_MESSAGE) throw new Error(`the damage is answered with ${errorCode}`)
  client.close()
  await broker.close()
  return {
    folder,
    truth: { ...truth, leaderEpoch: truth.leaderEpoch + 1 },
    ending: 'harmed',
    lost: [{ log: 'orders-1', from, to }],
  }
}

const plan = [
  ['orders', 0, 60],
  ['orders', 1, 40],
  ['orders', 2, 14],
  ['ledger', 0, 20],
] as const

async function createTopics(client: RawClient): Promise<void> {
  const topic = (name: string, numPartitions: number, settings: Record<string, string>) => {
    const configs = Object.entries(settings).map(([key, value]) => ({ name: key, value }))
    return { name, numPartitions, replicationFactor: 1, assignments: [], configs }
  }
  const small = { 'segment.bytes': '6000', 'index.interval.bytes': '100' }
  const topics = [topic('orders', 3, { ...small, 'retention.ms': '-1' }), topic('ledger', 1, { 'retention.ms': '-1' })]
  const answer = await client.call(CreateTopics, 7, { topics, timeoutMs: 10_000 })
  for (const { errorCode, errorMessage } of answer.topics) if (errorCode !== 0) throw new Error(String(errorMessage))
}

async function fillPartition(
  client: RawClient,
  topic: string,
  partition: number,
  batches: number,
): Promise<PartitionTruth> {
  const truth: PartitionTruth = {
    ...{ topic, partition, logStart: 0, values: [] },
    ...{ lastBatch: new Uint8Array(0), lastBaseOffset: 0 },
  }
  for (let i = 0; i < batches; i++) {
    const values = Array.from({ length: 1 + (i % 3) }, (_, j) =>
      `${topic}-${partition} ${i}.${j} `.padEnd(150 + i, '*'),
    )
    const first = truth.values.length
    const records = values.map((value, j) => ({ key: `k${i}`, value, timestamp: timeOf(first + j) }))
    const sequence = { producerId: BigInt(500 + partition), producerEpoch: 0, baseSequence: first }
    truth.lastBatch = encodeBatch(records, sequence)
    truth.lastBaseOffset = first
    truth.values.push(...values)
    const { errorCode, baseOffset } = await produce(client, topic, partition, truth.lastBatch)
    if (errorCode !== 0 || baseOffset !== first) throw new Error(`not written: ${errorCode}`)
  }
  return truth
}

/** Of the record at an offset. */
export const timeOf = (offset: number): number => 1_700_000_000_000 + offset * 1000

export async function produce(
  client: RawClient,
  topic: string,
  partition: number,
  batch: Uint8Array,
): Promise<ProducedPartition> {
  const answer = await client.call(Produce, 9, produceRequest(topic, batch.slice(), { partition }))
  return answer.responses[0]!.partitionResponses[0]!
}

async function trim(client: RawClient, truth: PartitionTruth, offset: number): Promise<void> {
  const partitions = [{ partitionIndex: truth.partition, offset }]
  const { topics } = await client.call(DeleteRecords, 2, {
    topics: [{ name: truth.topic, partitions }],
    timeoutMs: 5000,
  })
  if (topics[0]!.partitions[0]!.errorCode !== 0) throw new Error('not trimmed')
  truth.logStart = offset
}

async function commit(client: RawClient, offsets: readonly number[]): Promise<void> {
  const partitions = offsets.map((committedOffset, partitionIndex) => ({
    ...{ partitionIndex, committedOffset },
    ...{ committedLeaderEpoch: -1, committedMetadata: null },
  }))
  const request = {
    groupId: 'readers',
    generationIdOrMemberEpoch: -1,
    memberId: '',
    topics: [{ name: 'orders', partitions }],
  }
  for (;;) {
    await client.call(FindCoordinator, 4, { keyType: 0, coordinatorKeys: ['readers'] })
    const { topics } = await client.call(OffsetCommit, 8, request)
    if (topics[0]!.partitions.every(({ errorCode }) => errorCode === 0)) return
  }
}

/** Every file, by kind: its name with numbers as `n`. What is added to the folder later is a kind by itself. */
export function filesByKind(folder: string): Map<string, string[]> {
  const kinds = new Map<string, string[]>()
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    if (statSync(path).size === 0) continue
    const kind = entry.name.replaceAll(/\d+/g, 'n')
    kinds.set(kind, [...(kinds.get(kind) ?? []), path.slice(folder.length + 1)].sort())
  }
  return kinds
}

/** Runs on a copy of the folder, which is gone afterwards. */
export async function onCopy<T>(folder: string, run: (copy: string) => Promise<T>): Promise<T> {
  const copy = scratchFolder()
  try {
    cpSync(folder, copy, { recursive: true })
    return await run(copy)
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}
