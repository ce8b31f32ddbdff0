/**
 * The consumer as applications see it: one subscription, three ways to read it, chosen by how the work is done.
 *
 *   for await (const record of consumer)          one after the other
 *   for await (const batch of consumer.batches()) many at once, as one piece of work
 *   consumer.run(handler, { concurrency })        many at once, each on its own
 *
 * All three commit what was processed, not what was delivered; heartbeats go on whatever the application does.
 */
import { UsageError } from '@odradek/protocol'
import { abortWith, untilAborted } from '../cluster/abandon.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { Deadline } from '../cluster/deadline.ts'
import { checkNames, oneOf, shown } from '../options.ts'
import { contractOf, nameOf, type TopicRef } from '../topic.ts'
import type { ConsumerRecord, RecordOf } from './consumer-record.ts'
import { type DeadLetter, deadLetterOf } from './dead-letter.ts'
import type { ConsumerEngine, EngineHealth, EngineOptions, OffsetToCommit } from './engine.ts'
import { defaultMaxPollIntervalMs } from './engine-settings.ts'
import { Intake, type Piece } from './intake.ts'
import type { OffsetClaim } from './offset-claim.ts'
import { createConsumerEngine } from './poll-engine.ts'
import { type BatchOptions, collectBatch, RecordBatch } from './record-batch.ts'
import { RecordIterator } from './record-iterator.ts'
import { type RecordHandler, type RetryPolicy, Runner } from './runner.ts'
import { keyOf, type TopicPartition } from './topic-partition.ts'
import type { Order } from './work-lanes.ts'

export interface ConsumerOptions<T extends TopicRef = TopicRef> extends Omit<EngineOptions, 'hooks'> {
  /** Topic contracts or bare names, or an expression for the names; with a group they are shared with its other members. */
  readonly topics?: readonly T[] | RegExp
  /** Instead of sharing `topics` with a group: exactly these partitions. With a `group`, its committed offsets are used. */
  readonly partitions?: readonly { readonly topic: T; readonly partition: number }[]
  /** Default `{ every: 1000 }`: milliseconds between commits of what was processed. 'manual': only `commit()` commits. */
  readonly commit?: { readonly every: number } | 'manual'
  /** Awaited before the first record of the partitions; the consumer can `seek` here. */
  readonly onAssigned?: (partitions: readonly TopicPartition[], consumer: Consumer<T>) => void | Promise<void>
  /** Awaited before the partitions go to somebody else; what was processed is committed afterwards. */
  readonly onRevoked?: (partitions: readonly TopicPartition[], consumer: Consumer<T>) => void | Promise<void>
  /** The partitions are somebody else's already. */
  readonly onLost?: (partitions: readonly TopicPartition[]) => void | Promise<void>
}

export interface RunOptions {
  /** Default 1: handlers under way at once. */
  readonly concurrency?: number
  /** Default 'partition'. 'key': records with the same key follow each other, others need not. 'none': no order at all. */
  readonly order?: Order
  readonly retry?: RetryPolicy
  /** Where a record goes that all attempts failed for. Without it the run ends with the error. */
  readonly deadLetter?: TopicRef
  /** Ends the run: handlers under way are finished, what was processed is committed, and `run` resolves. */
  readonly signal?: AbortSignal
}

/** What a consumer needs of its handle. */
export interface ConsumerHost {
  readonly cluster: Cluster
  /** Sends a dead letter. */
  sendDeadLetter(topic: TopicRef, letter: DeadLetter): Promise<void>
  closed(consumer: Consumer<any>): void
}

export interface CloseOptions {
  /** Ends the waiting at once: what has not been committed by then is processed again, by whoever comes next. */
  readonly signal?: AbortSignal | undefined
}

const drainMs = 30_000
/** All of `close`, and how much of that is left to the commit when handlers take their time. */
const closeMs = 30_000
const lastCommitMs = 5_000
/** So long `close` looks for a broker when there is none. */
const unreachableMs = 3_000

export class Consumer<T extends TopicRef = TopicRef> implements AsyncIterable<RecordOf<T>>, AsyncDisposable {
  /** The poll loop underneath. Whoever reads through the consumer must not poll it. */
  readonly engine: ConsumerEngine
  readonly #options: ConsumerOptions<T>
  readonly #host: ConsumerHost
  readonly #intake: Intake
  #reading: string | undefined
  #running: Promise<void> | undefined
  #isStarted = false
  #closing: Promise<void> | undefined
  readonly #hurry = new AbortController()

  constructor(host: ConsumerHost, options: ConsumerOptions<T>) {
    checkNames('consumer', options, known)
    check(options.topics, options.partitions, options.group)
    checkCommit(options.commit)
    this.#host = host
    this.#options = options
    const { topics = [], partitions = [], commit = { every: 1_000 }, onAssigned, onRevoked, onLost, ...rest } = options
    const refs = [...(topics instanceof RegExp ? [] : topics), ...partitions.map(({ topic }) => topic)]
    this.#intake = new Intake({
      clock: host.cluster.clock,
      group: options.group,
      contracts: new Map(refs.map(ref => [nameOf(ref), contractOf(ref)])),
      commitEveryMs: commit === 'manual' ? undefined : commit.every,
      revokeCommitMs: Math.min(lastCommitMs, options.sessionTimeoutMs ?? lastCommitMs),
      hooks: {
        onAssigned: some => onAssigned?.(some, this),
        onRevoked: some => onRevoked?.(some, this),
        onLost: some => onLost?.(some),
      },
    })
    this.engine = createConsumerEngine(host.cluster, { ...rest, hooks: this.#intake.hooks })
    this.#intake.attach(this.engine)
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<RecordOf<T>, undefined> {
    return this.records()
  }

  /** The same as iterating over the consumer, with a signal that ends it: the iteration then throws the signal's reason. */
  records(options: { signal?: AbortSignal } = {}): AsyncIterableIterator<RecordOf<T>, undefined> {
    this.#begin('an iteration over its records')
    return new RecordIterator<any>({
      intake: this.#intake,
      signal: options.signal,
      isClosed: () => this.#closing !== undefined,
      onEnd: () => this.#end(),
    })
  }

  /** Batches of up to `max` records, over all partitions, in order within each. */
  async *batches(options: BatchOptions = {}): AsyncGenerator<RecordBatch<RecordOf<T> & {}>, void, undefined> {
    this.#begin('an iteration over its batches')
    const { clock } = this.#host.cluster
    let unprocessed: readonly Piece[] = []
    try {
      for (;;) {
        const isClosed = () => this.#closing !== undefined
        const pieces = await collectBatch(this.#intake, options, () => clock.monotonic(), isClosed)
        if (pieces.length === 0) return
        const batch = new RecordBatch<any>(pieces, this.#intake)
        unprocessed = pieces
        yield batch
        if (await batch.isToBeRepeated(options.signal)) this.#intake.putBack(pieces)
        else batch.processed()
        unprocessed = []
      }
    } finally {
      this.#intake.putBack(unprocessed)
      this.#end()
    }
  }

  /** Calls `handler` for every record until the signal aborts, the consumer closes, or a record fails for good. */
  async run(handler: RecordHandler<RecordOf<T>>, options: RunOptions = {}): Promise<void> {
    const { concurrency = 1, order = 'partition', retry = {}, deadLetter, signal } = options
    if (!(concurrency >= 1)) throw new UsageError(`concurrency is ${shown(concurrency)}; write 1 or more`)
    oneOf('order', order, ['partition', 'key', 'none'])
    this.#begin('a run')
    const { clock, random } = this.#host.cluster
    const { group } = this.#options
    const bury =
      deadLetter === undefined
        ? undefined
        : (record: ConsumerRecord, error: unknown) =>
            this.#host.sendDeadLetter(deadLetter, deadLetterOf(record, error, group))
    const isClosed = () => this.#closing !== undefined
    const { maxPollIntervalMs = defaultMaxPollIntervalMs } = this.#options
    const shared = { clock, random, intake: this.#intake, signal, isClosed, drainMs, maxPollIntervalMs }
    const runner = new Runner(handler as RecordHandler<any>, { ...shared, concurrency, order, retry, deadLetter: bury })
    this.#running = runner.run()
    try {
      await this.#running
    } finally {
      this.#running = undefined
      this.#end()
      if (!isClosed() && this.#options.commit !== 'manual') await this.#intake.commitProcessed()
    }
  }

  /** Commits everything processed so far, or up to and with `record`, or the offsets given. */
  async commit(what?: RecordOf<T> | readonly OffsetToCommit[], options: { signal?: AbortSignal } = {}): Promise<void> {
    if (what === undefined) await this.#intake.commitProcessed(undefined, options.signal)
    else if (Array.isArray(what)) await this.engine.commit(what, options)
    else {
      const { topic, partition, offset } = what as RecordOf<TopicRef>
      await this.engine.commit([{ topic, partition, offset: offset + 1 }], options)
    }
  }

  /** For a transaction that commits these offsets (see its `commitOffsets`); they are not committed by the consumer then. */
  claim(offsets: readonly OffsetToCommit[]): OffsetClaim {
    const assigned = new Set(this.assignment().map(keyOf))
    const stranger = offsets.find(at => !assigned.has(keyOf(at)))
    if (stranger)
      throw new UsageError(`${keyOf(stranger)} is not assigned to this consumer, so its offset is not for it to commit`)
    const claimed = offsets.map(at => ({ ...at, stay: this.#intake.stayAt(at) }))
    return this.#intake.claim(claimed, () => {})
  }

  assignment(): TopicPartition[] {
    return this.engine.assignment()
  }

  /** The next record handed out is the one at this place. The partition must be assigned: see `onAssigned`. */
  seek(topic: T | string, partition: number, to: number | 'earliest' | 'latest' | { timestamp: number }): void {
    const at = { topic: nameOf(topic), partition }
    this.engine.seek(at, to)
    this.#intake.forget(at)
  }

  /** All assigned partitions of the topic, or those named. What has been fetched already may still be handed out. */
  pause(topic: T | string, partitions?: readonly number[]): void {
    this.engine.pause(this.#named(topic, partitions))
  }

  resume(topic: T | string, partitions?: readonly number[]): void {
    this.engine.resume(this.#named(topic, partitions))
  }

  /** Records between what was handed out and the end, per partition; undefined while the end is unknown. */
  lag(): (TopicPartition & { lag: number | undefined })[] {
    return this.assignment().map(at => ({ ...at, lag: this.engine.lag(at) }))
  }

  health(): EngineHealth {
    return this.engine.health()
  }

  /**
   * Finishes what is under way, commits what was processed, leaves the group. Loops over the consumer end. Takes half a minute at
   * most, a few seconds when no broker can be reached, and no time with an aborted signal; the consumer is closed then too.
   */
  close({ signal }: CloseOptions = {}): Promise<void> {
    abortWith(this.#hurry, signal)
    this.#closing ??= Promise.resolve().then(() => this.#close())
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const { clock } = this.#host.cluster
    const signal = this.#hurry.signal
    using whole = new Deadline(clock, closeMs, 'the consumer could not be closed', signal)
    using drained = new Deadline(clock, closeMs - lastCommitMs, 'handlers did not end', signal)
    if (this.#isStarted && this.#options.group !== undefined) void this.#watchBrokers(whole)
    try {
      await this.#intake.close(drained.signal, whole.signal)
      await this.engine.close({ signal: whole.signal })
    } finally {
      this.#intake.closed()
      await untilAborted(this.#running?.catch(() => {}) ?? Promise.resolve(), drained.signal) // its caller hears of it
      this.#host.closed(this)
    }
  }

  /** With no broker in reach there is nobody to commit to, and nobody to take leave of. */
  async #watchBrokers(closing: Deadline): Promise<void> {
    const { cluster } = this.#host
    const { signal } = closing
    const options = { signal, timeoutMs: unreachableMs, recover: () => undefined }
    try {
      while (!signal.aborted) {
        const connection = await cluster.retrying(options, () => cluster.connection('any', 'main', signal))
        await untilAborted(new Promise(resolve => connection.onClosed(() => resolve())), signal)
      }
    } catch (error) {
      closing.abort('no broker can be reached to commit to', error)
    }
  }

  #named(topic: T | string, partitions: readonly number[] | undefined): TopicPartition[] {
    const name = nameOf(topic)
    if (partitions) return partitions.map(partition => ({ topic: name, partition }))
    return this.assignment().filter(at => at.topic === name)
  }

  #begin(reading: string): void {
    if (this.#closing) throw new UsageError('the consumer is closed: make a new one to go on')
    if (this.#reading)
      throw new UsageError(
        `the consumer is being read by ${this.#reading} already: end it first, or make another consumer`,
      )
    this.#reading = reading
    if (this.#isStarted) return
    this.#isStarted = true
    const { topics, partitions } = this.#options
    if (partitions) this.engine.assign(partitions.map(({ topic, partition }) => ({ topic: nameOf(topic), partition })))
    else this.engine.subscribe(topics instanceof RegExp ? topics : topics!.map(nameOf))
  }

  #end(): void {
    this.#reading = undefined
  }
}

const known: Record<keyof ConsumerOptions, true> = {
  group: true,
  groupInstanceId: true,
  groupProtocol: true,
  serverAssignor: true,
  assignors: true,
  topics: true,
  partitions: true,
  from: true,
  commit: true,
  isolation: true,
  sessionTimeoutMs: true,
  heartbeatIntervalMs: true,
  maxPollIntervalMs: true,
  maxWaitMs: true,
  minBytes: true,
  partitionMaxBytes: true,
  bufferBytes: true,
  checkCrcs: true,
  rackId: true,
  retryForMs: true,
  autoCreateTopics: true,
  metadataMaxAgeMs: true,
  onAssigned: true,
  onRevoked: true,
  onLost: true,
}

/** The longest timer there is: beyond it, Node's fire at once. */
const longestMs = 2 ** 31 - 1

function checkCommit(commit: ConsumerOptions['commit']): void {
  if (commit === undefined || commit === 'manual') return
  const every = typeof commit === 'object' ? commit?.every : undefined
  if (typeof every === 'number' && every > 0 && every <= longestMs) return
  throw new UsageError(`commit is ${shown(commit)}; write { every: milliseconds above 0 } or 'manual'`)
}

function check(
  topics: ConsumerOptions['topics'],
  partitions: ConsumerOptions['partitions'],
  group: string | undefined,
): void {
  if (topics && partitions) throw new UsageError('give `topics` or `partitions`, not both')
  if (!(topics instanceof RegExp) && !topics?.length && !partitions?.length)
    throw new UsageError("`topics` is missing: kafka.consumer({ group: 'g', topics: ['t'] })")
  if (topics && group === undefined) {
    throw new UsageError(
      '`topics` are shared in a `group`: name one. To read a topic without a group, use kafka.read(topic)',
    )
  }
  const listed = topics instanceof RegExp ? [] : (topics ?? [])
  if (new Set(listed.map(nameOf)).size < listed.length) throw new UsageError('`topics` names a topic twice')
  const keys = new Set((partitions ?? []).map(({ topic, partition }) => keyOf({ topic: nameOf(topic), partition })))
  if (partitions && keys.size < partitions.length) throw new UsageError('`partitions` names a partition twice')
}
