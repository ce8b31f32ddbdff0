/**
 * Between the engine and the three ways to read from it: turns batches into pieces of typed records, remembers what was processed,
 * commits it every second and when partitions go, and drops what nobody should see any more.
 */
import { KafkaError, UsageError } from '@odradek/protocol'
import type { Clock, Timer } from '@odradek/world'
import { untilAborted } from '../cluster/abandon.ts'
import { Deadline } from '../cluster/deadline.ts'
import { contractOf, type Topic } from '../topic.ts'
import { ConsumerRecord } from './consumer-record.ts'
import { troubleChannel } from './diagnostics.ts'
import type { ConsumerEngine, EngineHooks, OffsetToCommit, PartitionBatch } from './engine.ts'
import { type ClaimedOffset, type ClaimOutcome, type OffsetClaim, stayClaim } from './offset-claim.ts'
import { PartitionStay } from './partition-stay.ts'
import { keyOf, partitionKey, type TopicPartition } from './topic-partition.ts'

/** Consecutive records of one partition, some of which have been handed out. */
export interface Piece {
  readonly stay: PartitionStay
  readonly records: readonly ConsumerRecord[]
  readonly leaderEpoch: number
  /** Offset after the last record and what was passed over behind it. */
  readonly nextOffset: number
  /** The record to hand out next; all before it have been processed. */
  at: number
}

export interface IntakeOptions {
  readonly clock: Clock
  readonly group: string | undefined
  readonly contracts: ReadonlyMap<string, Topic>
  /** Milliseconds between commits; undefined: the application commits. */
  readonly commitEveryMs: number | undefined
  /** So long a rebalance waits for the commit of what goes away. */
  readonly revokeCommitMs: number
  readonly hooks: EngineHooks
}

export class Intake {
  /** In the order in which they will be handed out. */
  pending: Piece[] = []
  /** Waits until nobody works on records of these partitions; set by whoever works on many at once. */
  drain: ((stays: readonly PartitionStay[]) => Promise<void>) | undefined
  readonly #options: IntakeOptions
  readonly #stays = new Map<string, PartitionStay>()
  #engine: ConsumerEngine | undefined
  #timer: Timer | undefined
  /** Aborts with the last commit, the one of `close`; those of the timer end when it begins. */
  #closing: AbortSignal | undefined
  readonly #ticking = new AbortController()
  #commitFailure: unknown

  constructor(options: IntakeOptions) {
    this.#options = options
  }

  /** The hooks to give to the engine, which is given to us with `attach`. */
  get hooks(): EngineHooks {
    return {
      onAssigned: partitions => this.#assigned(partitions),
      onRevoked: partitions => this.#revoked(partitions),
      onLost: partitions => this.#lost(partitions),
      onDoomed: partitions => this.#end(partitions, 'was lost'),
    }
  }

  attach(engine: ConsumerEngine): void {
    this.#engine = engine
    this.#schedule()
  }

  /** A rebalance or a failure waits for the next `fill`. */
  get wantsPoll(): boolean {
    return this.#engine!.wantsPoll || this.#commitFailure !== undefined
  }

  get length(): number {
    return this.pending.reduce((sum, { records, at }) => sum + records.length - at, 0)
  }

  /** One poll of the engine; what it brings goes to the end of `pending`. */
  async fill(maxMs: number, maxRecords: number, signal?: AbortSignal): Promise<void> {
    if (this.#commitFailure !== undefined) throw this.#commitFailure
    const options = signal ? { maxRecords, signal } : { maxRecords }
    const pieces = (await this.#engine!.poll(maxMs, options)).map(batch => this.#pieceOf(batch))
    for (const { stay, records } of pieces) if (stay.hasAsyncSerde) await Promise.all(records.map(ConsumerRecord.ready))
    this.pending.push(...pieces)
  }

  /** All of the piece has been processed. */
  processed(piece: Piece): void {
    piece.at = piece.records.length
    piece.stay.processed.advance(piece.nextOffset, piece.leaderEpoch)
  }

  /** Pieces that were taken out of `pending` and not processed are the next again. */
  putBack(pieces: readonly Piece[]): void {
    this.pending.unshift(...pieces.filter(({ stay, at, records }) => !stay.isOver && at < records.length))
  }

  /** Without a group there is nothing to commit to. */
  get commits(): boolean {
    return this.#options.group !== undefined
  }

  /** Commits what has been processed, of all partitions or of those given. */
  async commitProcessed(
    stays: Iterable<PartitionStay> = this.#stays.values(),
    signal: AbortSignal | undefined = undefined,
  ): Promise<void> {
    if (!this.commits) return
    this.#noteProgress()
    const offsets: OffsetToCommit[] = []
    const done: (() => void)[] = []
    for (const { topic, partition, processed } of stays) {
      const next = processed.uncommitted()
      if (next === null) continue
      offsets.push({ topic, partition, ...next })
      done.push(() => processed.committed(next.offset))
    }
    if (offsets.length === 0) return
    await this.#engine!.commit(offsets, signal ? { signal } : {})
    for (const note of done) note()
  }

  /** Offsets that a transaction commits instead. */
  claim(offsets: readonly ClaimedOffset[], onEnd: (outcome: ClaimOutcome) => void): OffsetClaim {
    if (!this.commits)
      throw new UsageError('the consumer has no `group`, so there is nothing to commit its offsets to: give it one')
    return stayClaim(this.#engine!, offsets, onEnd)
  }

  /** After a transaction of unknown outcome: whether the group has these offsets. It says so once the transaction is settled. */
  async hasCommitted(pieces: readonly Piece[], signal?: AbortSignal): Promise<boolean> {
    const here = pieces.filter(({ stay }) => !stay.isOver)
    const found = await this.#engine!.committed(
      here.map(({ stay }) => stay),
      signal ? { signal } : {},
    )
    return here.every(({ nextOffset }, i) => (found[i]?.offset ?? -1) >= nextOffset)
  }

  /** The partition's stay with us; made where the engine has just handed it to us. */
  stayAt(at: TopicPartition): PartitionStay {
    return this.#stayOf(at)
  }

  /** Before a position is moved by hand: what was fetched from there is not handed out any more. */
  forget(at: TopicPartition): void {
    this.pending = this.pending.filter(({ stay }) => stay.key !== keyOf(at))
    const stay = this.#stays.get(keyOf(at))
    if (!stay) return
    stay.end('was moved to another position')
    this.#stays.set(stay.key, new PartitionStay(stay, stay.contract))
  }

  /** After a run has ended: what was taken and not processed will be read again, and with it what was processed behind it. */
  rewind(): void {
    for (const stay of [...this.#stays.values()]) {
      const from = stay.processed.firstUnfinished
      if (from === undefined || stay.isOver) continue
      this.#engine!.seek(stay, from)
      const uncommitted = stay.processed.uncommitted()
      this.forget(stay)
      if (uncommitted) this.#stayOf(stay).processed.advance(uncommitted.offset, uncommitted.leaderEpoch)
    }
  }

  /** Waits for what is under way, commits once more and stops committing. The engine is closed by its owner. */
  async close(drained: AbortSignal, signal: AbortSignal): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    await untilAborted(this.drain?.([...this.#stays.values()]) ?? Promise.resolve(), drained)
    this.#ticking.abort(new UsageError('the consumer is closed'))
    this.#closing = signal
    if (this.#options.commitEveryMs === undefined || signal.aborted) return
    await this.commitProcessed(undefined, signal).catch(error => {
      this.#closing = AbortSignal.abort(error) // what failed here is not tried again when the partitions go
      this.#commitFailed(error)
    })
  }

  /** When the engine is closed. */
  closed(): void {
    this.#timer?.cancel()
    this.#end(this.#engine!.assignment(), 'is no longer read')
    for (const stay of this.#stays.values()) stay.end('is no longer read')
    this.pending = []
  }

  #stayOf(at: TopicPartition): PartitionStay {
    const key = partitionKey(at.topic, at.partition)
    let stay = this.#stays.get(key)
    if (!stay) {
      stay = new PartitionStay(at, this.#options.contracts.get(at.topic) ?? contractOf(at.topic))
      this.#stays.set(key, stay)
    }
    return stay
  }

  #pieceOf(batch: PartitionBatch): Piece {
    const stay = this.#stayOf(batch)
    const records = batch.records.map(raw => new ConsumerRecord(raw, stay))
    return { stay, records, leaderEpoch: batch.leaderEpoch, nextOffset: batch.nextOffset, at: 0 }
  }

  #noteProgress(): void {
    for (const { stay, records, leaderEpoch, at } of this.pending) {
      if (at > 0) stay.processed.advance(records[at - 1]!.offset + 1, leaderEpoch)
    }
  }

  async #assigned(partitions: readonly TopicPartition[]): Promise<void> {
    for (const at of partitions) this.#stayOf(at)
    await this.#options.hooks.onAssigned?.(partitions)
  }

  /** What was processed is committed while the partitions are still ours. */
  async #revoked(partitions: readonly TopicPartition[]): Promise<void> {
    const stays = partitions.map(at => this.#stayOf(at))
    if (!this.#closing) await this.drain?.(stays)
    await this.#options.hooks.onRevoked?.(partitions)
    if (this.#options.commitEveryMs !== undefined && !this.#closing?.aborted) await this.#commitInTime(stays)
    this.#end(partitions, 'was revoked')
  }

  /** The rebalance waits, and with it the whole group: what cannot be committed soon will be processed again. */
  async #commitInTime(stays: readonly PartitionStay[]): Promise<void> {
    const { clock, revokeCommitMs } = this.#options
    using deadline = new Deadline(clock, revokeCommitMs, 'offsets could not be committed', this.#closing)
    await this.commitProcessed(stays, deadline.signal).catch(error => this.#commitFailed(error))
  }

  async #lost(partitions: readonly TopicPartition[]): Promise<void> {
    this.#end(partitions, 'was lost')
    await this.#options.hooks.onLost?.(partitions)
  }

  #end(partitions: readonly TopicPartition[], reason: string): void {
    for (const at of partitions) {
      this.#stays.get(keyOf(at))?.end(reason)
      this.#stays.delete(keyOf(at))
    }
    this.pending = this.pending.filter(({ stay }) => !stay.isOver)
  }

  #schedule(): void {
    const { clock, commitEveryMs, group } = this.#options
    if (commitEveryMs === undefined || group === undefined) return
    this.#timer = clock.timer(commitEveryMs, () => {
      this.commitProcessed(undefined, this.#ticking.signal)
        .catch(error => this.#commitFailed(error))
        .finally(() => {
          if (this.#timer) this.#schedule()
        })
    })
  }

  /** A commit that came too late is told by the rebalance that made it so; anything else ends the reading. */
  #commitFailed(error: unknown): void {
    if (this.#ticking.signal.aborted && error === this.#ticking.signal.reason) return // `close` commits instead
    const isLate = error instanceof KafkaError && (error.retriable || lateCodes.has(error.code))
    if (!isLate) this.#commitFailure = error
    else if (troubleChannel.hasSubscribers)
      troubleChannel.publish({ group: this.#options.group, source: 'commit', error })
  }
}

const lateCodes: ReadonlySet<string> = new Set([
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'FENCED_INSTANCE_ID',
  'FENCED_MEMBER_EPOCH',
  'STALE_MEMBER_EPOCH',
  'REBALANCE_IN_PROGRESS',
])
