import type { AppendBatch, Appended, LogEngine, PartitionId } from '@odradek/log'
import { type ErrorCode, ErrorCodes, errorByCode } from '@odradek/protocol'
import type { Clock } from '@odradek/world'
import type { Logger } from '../logger.ts'
import { type GroupOffsets, noOffsets, type OffsetChange } from './committed-offset.ts'
import { type Batch, firstRound, gather, type Shard, type Write, type WriteRecord } from './group-batches.ts'
import { GroupImage } from './group-image.ts'
import { groupRecord, offsetRecord } from './group-records.ts'
import { groupShard } from './group-shard.ts'
import type { GroupStore } from './group-store.ts'
import { ShardReplay } from './shard-replay.ts'
import type { StoredGroup } from './stored-group.ts'

/** The topic `__consumer_offsets`. */
export interface OffsetsTopic {
  /** Null while nothing was ever written. */
  existing(): readonly PartitionId[] | null
  ensure(): Promise<readonly PartitionId[]>
}

const readBytes = 1024 * 1024
/** So long a request waits; its write goes on. */
const patienceMs = 30_000

/**
 * Groups in the log: a record per group and per committed offset; the last one of a key counts.
 *
 * Writes gather while an append is under way, and the next takes them all, one batch per shard. They take effect in memory when they
 * are durable. Compaction keeps the logs small, so that reading them all at a start goes unnoticed.
 *
 * An append cannot be taken back, so its end is waited for, however long that takes: memory says what the log says. When it takes too
 * long the requests are told to come again, and so is whoever comes meanwhile.
 *
 *     taking ──an append takes too long──▶ stalled: refuses all, queues nothing ──its end is known: applied or not──▶ taking
 */
export class LogGroupStore implements GroupStore {
  readonly #engine: LogEngine
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #topic: OffsetsTopic
  #shards: Shard[] = []
  #waiting: Write[] = []
  #isWriting = false
  #isStalled = false

  constructor(o: { engine: LogEngine; clock: Clock; logger: Logger; topic: OffsetsTopic }) {
    this.#engine = o.engine
    this.#clock = o.clock
    this.#logger = o.logger
    this.#topic = o.topic
  }

  async load(): Promise<StoredGroup[]> {
    this.#open(this.#topic.existing() ?? [])
    await Promise.all(this.#shards.map(shard => this.#read(shard)))
    return this.#shards.flatMap(shard => shard.image.groups())
  }

  isReadable(groupId: string): boolean {
    return this.#shards.length === 0 || !this.#shardOf(groupId).isUnreadable
  }

  async save(group: StoredGroup): Promise<ErrorCode> {
    const records: WriteRecord[] = [{ input: groupRecord(group), record: { type: 'group', groupId: group.id, group } }]
    return this.#write(group.id, false, () => records)
  }

  async remove(groupId: string): Promise<ErrorCode> {
    return this.#write(groupId, true, image => image.removal(groupId))
  }

  async putOffsets(groupId: string, changes: readonly OffsetChange[]): Promise<ErrorCode> {
    if (changes.length === 0) return ErrorCodes.NONE
    // Encoded before it is queued: what cannot be encoded fails alone.
    const records = changes.map(
      (change): WriteRecord => ({ input: offsetRecord(groupId, change), record: { type: 'offset', groupId, change } }),
    )
    return this.#write(groupId, false, () => records)
  }

  async getOffsets(groupId: string): Promise<GroupOffsets> {
    return this.#shards.length === 0 ? noOffsets : this.#shardOf(groupId).image.offsets(groupId)
  }

  #open(partitions: readonly PartitionId[]): void {
    this.#shards = partitions.map(partition => ({ partition, image: new GroupImage(), isUnreadable: false }))
  }

  #shardOf(groupId: string): Shard {
    return this.#shards[groupShard(groupId, this.#shards.length)]!
  }

  /** Damaged records are passed over; a log that cannot be read at all takes its groups away, and no others. */
  async #read(shard: Shard): Promise<void> {
    const replay = new ShardReplay(shard.image)
    const [state] = await this.#engine.state([shard.partition])
    let offset = state?.logStartOffset ?? 0
    do {
      const read = { partition: shard.partition, offset, maxBytes: readBytes, isolation: 'uncommitted' } as const
      const [result] = await this.#engine.read([read], { maxBytes: readBytes, minOne: true })
      if (result!.ok) offset = replay.add(result!.chunks) ?? Infinity
      else if (result!.error === ErrorCodes.CORRUPT_MESSAGE) {
        const next = result!.resumeAt ?? offset + 1
        replay.damaged += next - offset
        offset = next
        await new Promise<void>(done => this.#clock.soon(done))
      } else return this.#giveUp(shard, result!.error)
    } while (state && offset < state.highWatermark)
    replay.finish()
    if (replay.damaged > 0) this.#reportDamage(shard, replay.damaged)
  }

  #giveUp(shard: Shard, error: ErrorCode): void {
    shard.isUnreadable = true
    shard.image = new GroupImage()
    const index = this.#shards.indexOf(shard)
    this.#logger.error(
      { partition: index, error: errorByCode(error).name },
      `__consumer_offsets-${index} cannot be read: its groups are refused until it can, the others are served`,
    )
  }

  #reportDamage(shard: Shard, damaged: number): void {
    const index = this.#shards.indexOf(shard)
    this.#logger.error(
      { partition: index, damaged },
      `__consumer_offsets-${index} is damaged: ${damaged} records or batches of it are passed over. Groups in it may go on from an earlier commit, or have none; compare before you trust them`,
    )
  }

  #write(groupId: string, isRemoval: boolean, records: Write['records']): Promise<ErrorCode> {
    if (this.#isStalled) return Promise.resolve(ErrorCodes.COORDINATOR_NOT_AVAILABLE)
    return new Promise(done => {
      this.#waiting.push({ groupId, isRemoval, records, done })
      if (!this.#isWriting) this.#writeSoon()
    })
  }

  /** What the other requests of this turn write goes along. */
  #writeSoon(): void {
    this.#isWriting = true
    this.#clock.soon(() => void this.#writeAll())
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const writes = firstRound(this.#waiting)
      this.#waiting = this.#waiting.slice(writes.length)
      try {
        if (this.#shards.length === 0) this.#open(await this.#topic.ensure())
        await this.#append(writes)
      } catch (error) {
        this.#logger.error({ error }, 'groups and offsets cannot be written to __consumer_offsets')
        for (const write of writes) write.done(ErrorCodes.COORDINATOR_NOT_AVAILABLE)
      }
    }
    this.#isWriting = false
  }

  async #append(writes: readonly Write[]): Promise<void> {
    const now = this.#clock.now()
    const batches = gather(writes, groupId => this.#shardOf(groupId), now)
    const patience = this.#clock.timer(patienceMs, () => this.#stall(writes))
    try {
      const appended = await this.#engine.append(batches.map(appendBatch), { acks: -1, deadline: Infinity })
      for (const [i, batch] of batches.entries()) this.#settle(batch, appended[i]!)
    } finally {
      patience.cancel()
      this.#isStalled = false
    }
  }

  /** What is under way may yet be written; what waits behind it is not going to be. */
  #stall(underWay: readonly Write[]): void {
    this.#logger.error({ patienceMs }, 'writing to __consumer_offsets takes long: groups and commits wait for the disk')
    this.#isStalled = true
    const behind = this.#waiting.splice(0)
    for (const write of [...underWay, ...behind]) write.done(ErrorCodes.COORDINATOR_NOT_AVAILABLE)
  }

  #settle(batch: Batch, appended: Appended): void {
    if (appended.ok) for (const record of batch.records) batch.shard.image.apply(record)
    else {
      const error = errorByCode(appended.error).name
      this.#logger.warn({ error }, 'the log of __consumer_offsets refuses to grow')
    }
    const error = appended.ok ? ErrorCodes.NONE : storeError(appended.error)
    for (const write of batch.writes) write.done(error)
  }
}

function appendBatch({ shard, builder }: Batch): AppendBatch {
  const { recordCount, maxTimestamp } = builder
  return {
    partition: shard.partition,
    bytes: builder.build(),
    recordCount,
    offsetCount: recordCount,
    maxTimestamp,
    producerId: -1n,
    producerEpoch: -1,
    baseSequence: -1,
    transactional: false,
    control: false,
  }
}

/** What a client makes the best of: it asks again, or is told that its request is the trouble. */
function storeError(error: ErrorCode): ErrorCode {
  switch (error) {
    case ErrorCodes.MESSAGE_TOO_LARGE:
    case ErrorCodes.RECORD_LIST_TOO_LARGE:
    case ErrorCodes.INVALID_FETCH_SIZE:
      return ErrorCodes.INVALID_COMMIT_OFFSET_SIZE
    default:
      return ErrorCodes.COORDINATOR_NOT_AVAILABLE
  }
}
