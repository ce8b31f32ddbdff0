import type { Appended, LogEngine, PartitionId } from '@odradek/log'
import { type ErrorCode, ErrorCodes, errorByCode } from '@odradek/protocol'
import type { Clock } from '@odradek/world'
import type { Logger } from '../logger.ts'
import type { CoordinatorTopic } from './coordinator-topic.ts'
import { keyShard } from './key-shard.ts'
import { LogReplay } from './log-replay.ts'
import {
  appendBatch,
  type Batch,
  encoded,
  firstRound,
  gather,
  type Shard,
  takeEffect,
  type Write,
} from './log-writes.ts'
import type { Image, Marker, RecordKind, TransactionalProducer } from './record-kind.ts'

const readBytes = 1024 * 1024
/** So long a request waits; its write goes on. */
const patienceMs = 30_000

export interface CoordinatorLogOptions<R, I extends Image<R>> {
  readonly engine: LogEngine
  readonly clock: Clock
  readonly logger: Logger
  readonly topic: CoordinatorTopic
  readonly kind: RecordKind<R>
  readonly freshImage: () => I
  /** 'last' (the default): of each key only the last record is applied. 'all': records build on each other, and the topic is not compacted. */
  readonly replay?: 'last' | 'all'
}

/**
 * The state of a coordinator, in the partitions (shards) of a topic of its own: the image of a shard is what its records add up to, and
 * the last record of a key counts. What belongs to one key (a group, a transactional id) is in one shard.
 *
 * Writes gather while an append is under way, and the next takes them all, a batch per shard and one for each transaction. They take
 * effect in the image when they are durable, in the order asked for per key. Compaction keeps the logs small, so that reading them all
 * at a start goes unnoticed.
 *
 * An append cannot be taken back, so its end is waited for, however long that takes: memory says what the log says. When it takes too
 * long the requests are told to come again, and so is whoever comes meanwhile.
 *
 *     taking ──an append takes too long──▶ stalled: refuses all, queues nothing ──its end is known: applied or not──▶ taking
 */
export class CoordinatorLog<R, I extends Image<R>> {
  readonly #o: CoordinatorLogOptions<R, I>
  #shards: Shard<I>[] = []
  /** What there is before the topic is made. */
  readonly #nothing: I
  #opening: Promise<void> | null = null
  #waiting: Write<R, I>[] = []
  #isWriting = false
  #isStalled = false
  #isLoaded = false

  constructor(options: CoordinatorLogOptions<R, I>) {
    this.#o = options
    this.#nothing = options.freshImage()
  }

  get topicName(): string {
    return this.#o.topic.name
  }

  /** Reads everything stored. Comes before anything else; who writes earlier is told COORDINATOR_LOAD_IN_PROGRESS. */
  async load(): Promise<void> {
    this.#isLoaded = false
    this.#open(this.#o.topic.existing() ?? [])
    await Promise.all(this.#shards.map(shard => this.#read(shard)))
    this.#isLoaded = true
  }

  /** False: what was stored under this key could not be read, and nothing may be said about it, least of all that there is nothing. */
  isReadable(key: string): boolean {
    return this.#shards.length === 0 || !this.#shardOf(key).isUnreadable
  }

  /** What is durable, of the shard the key belongs to. Look, do not touch. */
  image(key: string): I {
    return this.#shards.length === 0 ? this.#nothing : this.#shardOf(key).image
  }

  *images(): Iterable<I> {
    for (const { image } of this.#shards) yield image
  }

  /** Where the records of a key stand; makes the topic when there is none. */
  async partitionOf(key: string): Promise<{ readonly index: number; readonly id: PartitionId }> {
    await this.#ensureOpen()
    const index = keyShard(key, this.#shards.length)
    return { index, id: this.#shards[index]!.partition }
  }

  /**
   * Resolves when the records are durable and applied, all of them or none. With a function they are made from the image when everything
   * asked for this key before has been applied. Rejects when they cannot be encoded.
   */
  async write(key: string, records: readonly R[] | ((image: I) => readonly R[])): Promise<ErrorCode> {
    if (typeof records === 'function') return this.#enqueue({ key, records, producer: null })
    return this.#enqueueRecords(key, records, null)
  }

  /** Records that are held until the transaction of their producer ends; INVALID_PRODUCER_EPOCH when it has been fenced. */
  async writeTransactional(
    key: string,
    { producerId, producerEpoch }: TransactionalProducer,
    records: readonly R[],
  ): Promise<ErrorCode> {
    return this.#enqueueRecords(key, records, { producerId, producerEpoch })
  }

  /** Appends the marker; when it is durable, what was held takes effect or is forgotten. */
  async endTransaction(partition: PartitionId, marker: Marker): Promise<ErrorCode> {
    if (!this.#isLoaded) return ErrorCodes.COORDINATOR_LOAD_IN_PROGRESS
    if (!this.#shards.some(shard => shard.partition === partition)) return ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION
    return this.#enqueue({ partition, marker })
  }

  #open(partitions: readonly PartitionId[]): void {
    this.#shards = partitions.map(partition => ({ partition, image: this.#o.freshImage(), isUnreadable: false }))
  }

  #ensureOpen(): Promise<void> {
    if (this.#shards.length > 0) return Promise.resolve()
    return (this.#opening ??= this.#openTopic().finally(() => {
      this.#opening = null
    }))
  }

  async #openTopic(): Promise<void> {
    this.#open(await this.#o.topic.ensure())
  }

  #shardOf(key: string): Shard<I> {
    return this.#shards[keyShard(key, this.#shards.length)]!
  }

  #shardFor(write: Write<R, I>): Shard<I> {
    if (!('marker' in write)) return this.#shardOf(write.key)
    return this.#shards.find(shard => shard.partition === write.partition)!
  }

  /** Damaged records are passed over; a log that cannot be read at all takes what is in it away, and nothing else. */
  async #read(shard: Shard<I>): Promise<void> {
    const { engine, clock, kind } = this.#o
    const replay = new LogReplay(kind, shard.image, this.#o.replay ?? 'last')
    const [state] = await engine.state([shard.partition])
    let offset = state?.logStartOffset ?? 0
    do {
      const read = { partition: shard.partition, offset, maxBytes: readBytes, isolation: 'uncommitted' } as const
      const [result] = await engine.read([read], { maxBytes: readBytes, minOne: true })
      if (result!.ok) offset = replay.add(result!.chunks) ?? Infinity
      else if (result!.error === ErrorCodes.CORRUPT_MESSAGE) {
        const next = result!.resumeAt ?? offset + 1
        replay.passOver(next - offset)
        offset = next
        await new Promise<void>(done => clock.soon(done))
      } else return this.#giveUp(shard, result!.error)
    } while (state && offset < state.highWatermark)
    replay.finish(await engine.producers(shard.partition))
    if (replay.damaged > 0) this.#reportDamage(shard, replay.damaged)
  }

  #giveUp(shard: Shard<I>, error: ErrorCode): void {
    shard.isUnreadable = true
    shard.image = this.#o.freshImage()
    this.#o.logger.error(
      { partition: this.#shards.indexOf(shard), error: errorByCode(error).name },
      `${this.#nameOf(shard)} cannot be read: what is in it is refused until it can, the other partitions are served`,
    )
  }

  #reportDamage(shard: Shard<I>, damaged: number): void {
    this.#o.logger.error(
      { partition: this.#shards.indexOf(shard), damaged },
      `${this.#nameOf(shard)} is damaged: ${damaged} records or batches of it are passed over. What is in it may go on from an earlier state, or from none; compare before you trust it`,
    )
  }

  #nameOf(shard: Shard<I>): string {
    return `${this.#o.topic.name}-${this.#shards.indexOf(shard)}`
  }

  #enqueueRecords(key: string, records: readonly R[], producer: TransactionalProducer | null): Promise<ErrorCode> {
    if (records.length === 0) return Promise.resolve(ErrorCodes.NONE)
    // Encoded before it is queued: what cannot be encoded fails alone.
    return this.#enqueue({ key, records: encoded(this.#o.kind, records), producer })
  }

  #enqueue(write: DistributiveOmit<Write<R, I>, 'done' | 'fail'>): Promise<ErrorCode> {
    if (!this.#isLoaded) return Promise.resolve(ErrorCodes.COORDINATOR_LOAD_IN_PROGRESS)
    if (this.#isStalled) return Promise.resolve(ErrorCodes.COORDINATOR_NOT_AVAILABLE)
    return new Promise((done, fail) => {
      this.#waiting.push({ ...write, done, fail })
      if (!this.#isWriting) this.#writeSoon()
    })
  }

  /** What the other requests of this turn write goes along. */
  #writeSoon(): void {
    this.#isWriting = true
    this.#o.clock.soon(() => void this.#writeAll())
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const { go, stay } = firstRound(this.#waiting)
      this.#waiting = stay
      try {
        await this.#ensureOpen()
        await this.#append(go)
      } catch (error) {
        this.#o.logger.error({ error }, `nothing can be written to ${this.#o.topic.name}`)
        for (const write of go) write.done(ErrorCodes.COORDINATOR_NOT_AVAILABLE)
      }
    }
    this.#isWriting = false
  }

  async #append(writes: readonly Write<R, I>[]): Promise<void> {
    const { kind, clock, engine } = this.#o
    const now = clock.now()
    const batches = gather(writes, { kind, shardOf: write => this.#shardFor(write), now })
    if (batches.length === 0) return
    const patience = clock.timer(patienceMs, () => this.#stall(writes))
    try {
      const appends = batches.map(batch => appendBatch(batch, now))
      const appended = await engine.append(appends, { acks: -1, deadline: Infinity })
      for (const [i, batch] of batches.entries()) this.#settle(batch, appended[i]!)
    } finally {
      patience.cancel()
      this.#isStalled = false
    }
  }

  /** What is under way may yet be written; what waits behind it is not going to be. */
  #stall(underWay: readonly Write<R, I>[]): void {
    this.#o.logger.error({ patienceMs }, `writing to ${this.#o.topic.name} takes long: requests wait for the disk`)
    this.#isStalled = true
    const behind = this.#waiting.splice(0)
    for (const write of [...underWay, ...behind]) write.done(ErrorCodes.COORDINATOR_NOT_AVAILABLE)
  }

  #settle(batch: Batch<R, I>, appended: Appended): void {
    if (appended.ok) takeEffect(batch, appended.baseOffset)
    else {
      const error = errorByCode(appended.error).name
      this.#o.logger.warn({ error }, `the log of ${this.#o.topic.name} refuses to grow`)
    }
    const error = appended.ok ? ErrorCodes.NONE : storeError(appended.error)
    for (const write of batch.writes) write.done(error)
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never

/** What a client makes the best of: it asks again, or is told that its request, or it itself, is the trouble. */
function storeError(error: ErrorCode): ErrorCode {
  switch (error) {
    case ErrorCodes.INVALID_PRODUCER_EPOCH:
    case ErrorCodes.TRANSACTION_COORDINATOR_FENCED:
    case ErrorCodes.INVALID_TXN_STATE:
      return error
    case ErrorCodes.MESSAGE_TOO_LARGE:
    case ErrorCodes.RECORD_LIST_TOO_LARGE:
    case ErrorCodes.INVALID_FETCH_SIZE:
      return ErrorCodes.INVALID_COMMIT_OFFSET_SIZE
    default:
      return ErrorCodes.COORDINATOR_NOT_AVAILABLE
  }
}
