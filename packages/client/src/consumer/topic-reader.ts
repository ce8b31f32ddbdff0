/**
 * A topic read once, without a group and without commits: for scripts, tests, tables. By default from its first record to what is its
 * last when the reading begins; then it ends by itself. Brokers merge nothing: records of one partition are in order, partitions mix.
 */
import { ErrorCodes, ProtocolError, UsageError } from '@odradek/protocol'
import type { Cluster } from '../cluster/cluster.ts'
import { contractOf, nameOf, type TopicRef } from '../topic.ts'
import { ConsumerRecord, type RecordOf } from './consumer-record.ts'
import type { ConsumerEngine } from './engine.ts'
import { PartitionStay } from './partition-stay.ts'
import { createConsumerEngine } from './poll-engine.ts'
import { partitionKey, type TopicPartition } from './topic-partition.ts'

export interface ReadOptions {
  /** Default 'earliest'. `offsets`: by partition number; others begin at their first record. */
  readonly from?:
    | 'earliest'
    | 'latest'
    | { readonly timestamp: number }
    | { readonly offsets: Readonly<Record<number, number>> }
  /** Default 'end': what is the end when the reading begins. 'forever': go on with what comes. */
  readonly until?: 'end' | 'forever' | { readonly timestamp: number }
  /** Default: all. */
  readonly partitions?: readonly number[]
  readonly isolation?: 'read_uncommitted' | 'read_committed'
  readonly signal?: AbortSignal
}

const pollMs = 10_000
const pollRecords = 1_000

export class TopicReader<T extends TopicRef> implements AsyncIterableIterator<RecordOf<T>, undefined>, AsyncDisposable {
  readonly #cluster: Cluster
  readonly #topic: T
  readonly #options: ReadOptions
  #engine: ConsumerEngine | undefined
  /** By partition number: the offset to stop before. */
  #ends = new Map<number, number>()
  #stays = new Map<number, PartitionStay>()
  #records: ConsumerRecord[] = []
  #at = 0
  #isDone = false

  constructor(cluster: Cluster, topic: T, options: ReadOptions) {
    this.#cluster = cluster
    this.#topic = topic
    this.#options = options
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<RecordOf<T>, undefined>> {
    const record = this.#records[this.#at]
    if (!record || this.#options.signal?.aborted) return this.#wait()
    this.#at++
    return Promise.resolve({ done: false, value: record as RecordOf<T> })
  }

  async return(): Promise<IteratorResult<RecordOf<T>, undefined>> {
    await this.#close()
    return { done: true, value: undefined }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close()
  }

  async #wait(): Promise<IteratorResult<RecordOf<T>, undefined>> {
    const { signal } = this.#options
    try {
      signal?.throwIfAborted()
      if (!this.#isDone) this.#engine ??= await this.#open()
      while (this.#at === this.#records.length) {
        signal?.throwIfAborted()
        if (this.#isDone || this.#hasReachedEnd()) return await this.return()
        await this.#fill()
      }
      return await this.next()
    } catch (error) {
      await this.#close()
      throw error
    }
  }

  async #open(): Promise<ConsumerEngine> {
    const { isolation = 'read_uncommitted', signal } = this.#options
    const topic = nameOf(this.#topic)
    const asked = signal ? { signal } : {}
    const finding = createConsumerEngine(this.#cluster, { isolation, autoCreateTopics: false })
    const all = await this.#partitions(finding, topic, asked)
    const [starts, ends] = await Promise.all([this.#starts(finding, all, asked), this.#stops(finding, all, asked)])
    await finding.close()
    const unread = all.filter((_, i) => starts[i]! < ends[i]!)
    const offsets = new Map(all.map((at, i) => [partitionKey(topic, at.partition), starts[i]!]))
    const engine = createConsumerEngine(this.#cluster, { isolation, autoCreateTopics: false, from: { offsets } })
    this.#ends = new Map(all.map((at, i) => [at.partition, ends[i]!]))
    this.#stays = new Map(all.map(at => [at.partition, new PartitionStay(at, contractOf(this.#topic))]))
    engine.assign(unread)
    return engine
  }

  async #partitions(engine: ConsumerEngine, topic: string, asked: { signal?: AbortSignal }): Promise<TopicPartition[]> {
    const count = await engine.partitionsOf(topic, asked)
    if (count === 0) {
      throw new ProtocolError(ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION, {
        topic,
        message: `there is no topic '${topic}' to read`,
      })
    }
    const numbers = this.#options.partitions ?? Array.from({ length: count }, (_, partition) => partition)
    const strange = numbers.find(partition => !(partition >= 0 && partition < count))
    if (strange !== undefined) throw new UsageError(`topic '${topic}' has partitions 0 to ${count - 1}, not ${strange}`)
    return numbers.map(partition => ({ topic, partition }))
  }

  async #starts(
    engine: ConsumerEngine,
    all: readonly TopicPartition[],
    asked: { signal?: AbortSignal },
  ): Promise<number[]> {
    const { from = 'earliest' } = this.#options
    const isOffsets = typeof from === 'object' && 'offsets' in from
    const found = await engine.offsetsFor(all, isOffsets ? 'earliest' : from, asked)
    return all.map(
      ({ partition }, i) => (isOffsets ? from.offsets[partition] : undefined) ?? found[i] ?? Number.POSITIVE_INFINITY,
    )
  }

  async #stops(
    engine: ConsumerEngine,
    all: readonly TopicPartition[],
    asked: { signal?: AbortSignal },
  ): Promise<number[]> {
    const { until = 'end' } = this.#options
    if (until === 'forever') return all.map(() => Number.POSITIVE_INFINITY)
    const ends = await engine.offsetsFor(all, 'latest', asked)
    const bounds = until === 'end' ? ends : await engine.offsetsFor(all, until, asked)
    return all.map((_, i) => bounds[i] ?? ends[i]!)
  }

  #hasReachedEnd(): boolean {
    const engine = this.#engine!
    return engine.assignment().every(at => (engine.position(at) ?? 0) >= this.#ends.get(at.partition)!)
  }

  async #fill(): Promise<void> {
    const { signal } = this.#options
    const batches = await this.#engine!.poll(
      pollMs,
      signal ? { maxRecords: pollRecords, signal } : { maxRecords: pollRecords },
    )
    this.#records = []
    this.#at = 0
    for (const { partition, records } of batches) {
      const stay = this.#stays.get(partition)!
      const end = this.#ends.get(partition)!
      for (const raw of records) if (raw.offset < end) this.#records.push(new ConsumerRecord(raw, stay))
      if (stay.hasAsyncSerde) await Promise.all(this.#records.map(ConsumerRecord.ready))
    }
    this.#dropFinished()
  }

  /** What has reached its end need not be fetched on. */
  #dropFinished(): void {
    const engine = this.#engine!
    const all = engine.assignment()
    const left = all.filter(at => (engine.position(at) ?? 0) < this.#ends.get(at.partition)!)
    if (left.length < all.length) engine.assign(left)
  }

  async #close(): Promise<void> {
    this.#isDone = true
    this.#records = []
    this.#at = 0
    for (const stay of this.#stays.values()) stay.end('is no longer read')
    await this.#engine?.close()
  }
}
