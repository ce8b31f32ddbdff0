/**
 * What a broker makes of a data folder that was harmed, held against the truth about it. Problems are what must never be: it does not
 * start, serves what was never written, passes over records without a word, gives a number twice.
 */
import {
  decodeRecords,
  ErrorCodes,
  eachBatch,
  encodeBatch,
  Fetch,
  hasValidCrc,
  InitProducerId,
  ListOffsets,
  Metadata,
  OffsetFetch,
} from '@odradek/protocol'
import type { RawClient } from '../../packages/broker/src/testing/raw-client.ts'
import { fetchRequest } from '../../packages/broker/src/testing/test-broker.ts'
import { brokerOn, type LostRange, type PartitionTruth, produce, type Truth, timeOf } from './written-folder.ts'

export interface Outcome {
  problems: string[]
  /** Warnings and errors of the broker. */
  lines: string[]
  /** Records answered with CORRUPT_MESSAGE, as `topic-partition@offset`. */
  lost: string[]
}

export interface Allowed {
  /** The log that was harmed now, as `topic-partition`. */
  log?: string | undefined
  /** Records that may be lost. */
  lost?: readonly LostRange[]
}

/** Little, so that most fetches begin in the middle of a segment and need its index. */
const fetchBytes = 2000

export async function checkFolder(folder: string, truth: Truth, allowed: Allowed = {}): Promise<Outcome> {
  const outcome: Outcome = { problems: [], lines: [], lost: [] }
  let started: Awaited<ReturnType<typeof brokerOn>>
  try {
    started = await brokerOn(folder)
  } catch (error) {
    outcome.problems.push(`does not start: ${(error as Error).stack}`)
    return outcome
  }
  const { broker, client, lines } = started
  outcome.lines = lines
  try {
    const check = new FolderCheck(client, truth, allowed, outcome)
    await check.cluster()
    for (const partition of truth.partitions) await check.partition(partition)
    await check.commits()
  } catch (error) {
    outcome.problems.push(`fails: ${(error as Error).stack}`)
  }
  client.close()
  await broker.close({ drain: false })
  return outcome
}

class FolderCheck {
  readonly #client: RawClient
  readonly #truth: Truth
  readonly #allowed: Allowed
  readonly #outcome: Outcome

  constructor(client: RawClient, truth: Truth, allowed: Allowed, outcome: Outcome) {
    this.#client = client
    this.#truth = truth
    this.#allowed = allowed
    this.#outcome = outcome
  }

  async cluster(): Promise<void> {
    const { clusterId, topics } = await this.#client.call(Metadata, 12, { topics: null })
    const truth = this.#truth
    const ids = Object.fromEntries(topics.map(({ name, topicId }) => [name, topicId]))
    if (clusterId !== truth.clusterId) this.#problem(`cluster id ${clusterId}, was ${truth.clusterId}`)
    for (const [name, id] of Object.entries(truth.topicIds))
      if (ids[name] !== id) this.#problem(`topic ${name} has id ${ids[name]}, was ${id}`)
    if (topics.length !== Object.keys(truth.topicIds).length) this.#problem(`${topics.length} topics`)
    const epoch = topics[0]?.partitions[0]?.leaderEpoch ?? -1
    if (epoch <= truth.leaderEpoch) this.#problem(`leader epoch ${epoch}, was ${truth.leaderEpoch}`)
    const asked = { transactionalId: null, transactionTimeoutMs: 60_000 }
    const { producerId } = await this.#client.call(InitProducerId, 4, asked)
    if (producerId <= truth.largestProducerId) this.#problem(`producer id ${producerId} was given before`)
  }

  async partition(truth: PartitionTruth): Promise<void> {
    const end = await this.#read(truth)
    if (end === undefined) return
    await this.#lookUp(truth)
    await this.#goOn(truth, end)
  }

  async commits(): Promise<void> {
    const groups = [{ groupId: 'readers', topics: [{ name: 'orders', partitionIndexes: [0, 1, 2] }] }]
    const { groups: answers } = await this.#client.call(OffsetFetch, 8, { groups, requireStable: false })
    const found = answers[0]!.topics[0]?.partitions.map(each => each.committedOffset) ?? []
    const isHarmed = this.#allowed.log?.startsWith('__consumer_offsets') === true
    this.#truth.committed.forEach((offset, i) => {
      const isEarlier = isHarmed && (found[i] === undefined || found[i] === -1 || found[i] === offset - 5)
      if (found[i] !== offset && !(isEarlier && this.#outcome.lines.length > 0))
        this.#problem(`committed offset ${found[i]} of orders-${i}, was ${offset}`)
    })
  }

  /** Everything, from the log's start to its end; the end, when it could be read. */
  async #read(truth: PartitionTruth): Promise<number | undefined> {
    const { topic, partition, logStart, values } = truth
    for (let offset = logStart; ; ) {
      const asked = fetchRequest(topic, offset, { partition, partitionMaxBytes: fetchBytes })
      const { responses } = await this.#client.call(Fetch, 12, asked)
      const { errorCode, records, highWatermark, logStartOffset } = responses[0]!.partitions[0]!
      if (errorCode === ErrorCodes.CORRUPT_MESSAGE) {
        this.#lose(truth, offset++)
        continue
      }
      if (errorCode !== ErrorCodes.NONE) {
        this.#problem(`${topic}-${partition} answers ${errorCode} at ${offset}`)
        return undefined
      }
      if (logStartOffset !== logStart)
        this.#problem(`${topic}-${partition} begins at ${logStartOffset}, not ${logStart}`)
      if (offset >= highWatermark) {
        this.#isEnd(truth, highWatermark)
        return highWatermark
      }
      const next = this.#take(truth, offset, records ?? new Uint8Array(0))
      if (next <= offset) {
        this.#problem(`${topic}-${partition} gives nothing at ${offset}, and ends at ${highWatermark}`)
        return undefined
      }
      if (next > values.length) this.#problem(`${topic}-${partition} gives records up to ${next} of ${values.length}`)
      offset = next
    }
  }

  #isEnd(truth: PartitionTruth, end: number): void {
    const { topic, partition, values } = truth
    if (end !== values.length) this.#problem(`${topic}-${partition} ends at ${end}, not ${values.length}`)
  }

  /** Compares records with what was written; the offset after them. */
  #take(truth: PartitionTruth, from: number, bytes: Uint8Array): number {
    const { topic, partition, values } = truth
    let next = from
    for (const batch of eachBatch(bytes)) {
      if (!hasValidCrc(bytes, batch.at)) this.#problem(`${topic}-${partition} serves a batch with a wrong checksum`)
      if (batch.baseOffset > next) for (; next < batch.baseOffset; next++) this.#pass(truth, next)
      for (const { offset, value } of decodeRecords(bytes, batch.at)) {
        const text = Buffer.from(value ?? '').toString()
        if (text !== values[offset]) this.#problem(`${topic}-${partition} serves '${text}' at ${offset}`)
      }
      next = Math.max(next, batch.baseOffset + batch.lastOffsetDelta + 1)
    }
    return next
  }

  #pass({ topic, partition }: PartitionTruth, offset: number): void {
    this.#problem(`${topic}-${partition} passes over ${offset} without a word`)
  }

  #lose({ topic, partition, values }: PartitionTruth, offset: number): void {
    const isAllowed = this.#allowed.lost?.some(
      ({ log, from, to }) => log === `${topic}-${partition}` && offset >= from && offset < to,
    )
    if (!isAllowed) this.#problem(`${topic}-${partition} has lost ${offset}`)
    if (offset > values.length) throw new Error(`${topic}-${partition} answers for damage past its end`)
    this.#outcome.lost.push(`${topic}-${partition}@${offset}`)
  }

  async #lookUp(truth: PartitionTruth): Promise<void> {
    const { topic, partition, values, logStart } = truth
    if (this.#allowed.log === `${topic}-${partition}`) return
    const offset = Math.floor((logStart + values.length) / 2)
    const partitions = [{ partitionIndex: partition, timestamp: timeOf(offset) }]
    const { topics } = await this.#client.call(ListOffsets, 6, { replicaId: -1, topics: [{ name: topic, partitions }] })
    const found = topics[0]!.partitions[0]!.offset
    if (found !== offset) this.#problem(`${topic}-${partition} finds ${found} by time, not ${offset}`)
  }

  /** A repeated batch is known, a new one comes after all that were acknowledged, and is read back. */
  async #goOn(truth: PartitionTruth, end: number): Promise<void> {
    const { topic, partition, lastBatch, lastBaseOffset, values } = truth
    const isHarmed = this.#allowed.log === `${topic}-${partition}`
    if (!isHarmed) {
      const { errorCode, baseOffset } = await produce(this.#client, topic, partition, lastBatch)
      if (errorCode !== 0 || baseOffset !== lastBaseOffset)
        this.#problem(`${topic}-${partition} answers a repeated batch with ${errorCode} at ${baseOffset}`)
    }
    const { errorCode, baseOffset } = await produce(
      this.#client,
      topic,
      partition,
      encodeBatch([{ key: 'k', value: 'next' }]),
    )
    if (errorCode !== 0 || baseOffset !== end || baseOffset < values.length) {
      this.#problem(`${topic}-${partition} answers a new batch with ${errorCode} at ${baseOffset}`)
      return
    }
    const { responses } = await this.#client.call(Fetch, 12, fetchRequest(topic, baseOffset, { partition }))
    const { records } = responses[0]!.partitions[0]!
    const [read] = records ? [...eachBatch(records)].flatMap(batch => [...decodeRecords(records, batch.at)]) : []
    if (read?.offset !== baseOffset || Buffer.from(read.value ?? '').toString() !== 'next')
      this.#problem(`${topic}-${partition} does not serve the new record`)
  }

  #problem(text: string): void {
    this.#outcome.problems.push(text)
  }
}
