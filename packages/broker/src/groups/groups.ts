/**
 * All groups of this process, whatever their kind: one namespace of ids, committed offsets, listing, deletion, expiry. What a kind of
 * group does by itself is behind `GroupType`. Before everything stored is read, requests are refused.
 */
import { ClockGuard, type PartitionId } from '@odradek/log'
import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { Clock, Random, Timer } from '@odradek/world'
import type { Marker, TransactionalProducer } from '../coordinator-log/record-kind.ts'
import type { Logger } from '../logger.ts'
import { ClassicGroups } from './classic/classic-groups.ts'
import type { Claim, Identity, JoinReply, LeaveReply, PlainReply, SyncEvent, SyncReply } from './classic/group-event.ts'
import { refusedJoin, refusedSync } from './classic/turn.ts'
import { type GroupOffsets, noOffsets, type OffsetChange, type Place } from './committed-offset.ts'
import type { GroupLog } from './group-log.ts'
import type { GroupSettings } from './group-settings.ts'
import type {
  ClassicMembers,
  CommitClaim,
  CoordinatedGroup,
  FetchClaim,
  GroupType,
  JoinRequest,
  MaybeLater,
  Question,
} from './group-types.ts'
import { expiredOffsets, type OffsetRemoval, offsetRemoval } from './offset-expiry.ts'
import type { OffsetRecord } from './offset-records.ts'

export interface GroupsOptions {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly settings: GroupSettings
  readonly log: GroupLog
}

export class Groups {
  readonly classic: ClassicGroups
  readonly log: GroupLog
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #settings: GroupSettings
  readonly #types: GroupType[]
  #isLoaded = false
  #isClosed = false
  #expiryTimer: Timer | null = null
  /** Nothing expires in the hour after a jump of the wall clock, nor after a start: nobody knows what it was before. */
  readonly #guard: ClockGuard

  constructor(options: GroupsOptions) {
    const { clock, logger, settings, log } = options
    this.#clock = clock
    this.#logger = logger
    this.#settings = settings
    this.log = log
    this.#guard = new ClockGuard(0, clock.now(), clock.monotonic())
    this.classic = new ClassicGroups(options)
    this.#types = [this.classic]
  }

  /** A further kind of group; before `load`. */
  add(type: GroupType): void {
    this.#types.push(type)
  }

  async load(topicExists: (topic: string) => boolean = () => true): Promise<void> {
    await this.log.load()
    for (const type of this.#types) type.load(this.log)
    for (const image of this.log.images())
      for (const groupId of image.offsets.groupIds()) if (!this.find(groupId)) this.classic.makeSimple(groupId, -1)
    if (this.#isClosed) return
    this.#isLoaded = true
    this.#lookForExpiredLater()
    // A topic may have been deleted in the moment of a crash, before its offsets were.
    await this.#forgetOffsets(topic => !topicExists(topic))
  }

  get isLoaded(): boolean {
    return this.#isLoaded
  }

  /** Why nothing can be said about a group now; NONE when something can. */
  obstacle(groupId: string): ErrorCode {
    if (!this.#isLoaded) return ErrorCodes.COORDINATOR_LOAD_IN_PROGRESS
    return this.log.isReadable(groupId) ? ErrorCodes.NONE : ErrorCodes.COORDINATOR_NOT_AVAILABLE
  }

  find(groupId: string): CoordinatedGroup | undefined {
    for (const type of this.#types) {
      const group = type.find(groupId)
      if (group) return group
    }
    return undefined
  }

  *all(): Iterable<CoordinatedGroup> {
    for (const type of this.#types) yield* type.groups()
  }

  join(groupId: string, request: JoinRequest): MaybeLater<JoinReply> {
    const members = this.#classicMembers(groupId)
    return members ? members.join(groupId, request) : refusedJoin(ErrorCodes.INCONSISTENT_GROUP_PROTOCOL)
  }

  sync(groupId: string, request: Question<SyncEvent>): MaybeLater<SyncReply> {
    return this.#classicMembers(groupId)?.sync(groupId, request) ?? refusedSync(ErrorCodes.UNKNOWN_MEMBER_ID)
  }

  heartbeat(groupId: string, claim: Question<Claim>): MaybeLater<PlainReply> {
    const unknown: PlainReply = { type: 'plain', error: ErrorCodes.UNKNOWN_MEMBER_ID }
    return this.#classicMembers(groupId)?.heartbeat(groupId, claim) ?? unknown
  }

  leave(groupId: string, members: readonly Identity[]): MaybeLater<LeaveReply> {
    const left = this.#classicMembers(groupId)?.leave(groupId, members)
    if (left !== undefined) return left
    const error = ErrorCodes.UNKNOWN_MEMBER_ID
    return { type: 'leave', error: ErrorCodes.NONE, members: members.map(member => ({ ...member, error })) }
  }

  /** Whoever commits must be of the present generation, or the group must be empty. Answered when durable. */
  async commit(
    groupId: string,
    claim: Omit<CommitClaim, 'isTransactional'>,
    changes: readonly OffsetChange[],
  ): Promise<ErrorCode> {
    const error = this.#admitCommit(groupId, { ...claim, isTransactional: false }, changes)
    // No turn may pass between the permission and the write, or the group could be deleted in between.
    if (error !== ErrorCodes.NONE) return error
    return this.#stored(this.log.write(groupId, offsetRecords(groupId, changes)))
  }

  /** The same in a transaction: the offsets count when it has been committed. */
  async commitInTransaction(
    groupId: string,
    claim: Omit<CommitClaim, 'isTransactional'>,
    producer: TransactionalProducer,
    changes: readonly OffsetChange[],
  ): Promise<ErrorCode> {
    const error = this.#admitCommit(groupId, { ...claim, isTransactional: true }, changes)
    if (error !== ErrorCodes.NONE)
      return error === ErrorCodes.STALE_MEMBER_EPOCH ? ErrorCodes.ILLEGAL_GENERATION : error
    return this.#stored(this.log.writeTransactional(groupId, producer, offsetRecords(groupId, changes)))
  }

  /** Which partition of `__consumer_offsets` a transaction of the group's offsets takes part with. */
  async offsetsPartition(groupId: string): Promise<{ readonly topic: string; readonly index: number }> {
    return { topic: this.log.topicName, index: (await this.log.partitionOf(groupId)).index }
  }

  /** The marker of a transaction, in a partition of `__consumer_offsets`. */
  endTransaction(partition: PartitionId, marker: Marker): Promise<ErrorCode> {
    return this.log.endTransaction(partition, marker)
  }

  /** What is committed, durably. */
  offsets(groupId: string): GroupOffsets {
    return this.find(groupId) ? this.log.image(groupId).offsets.offsets(groupId) : noOffsets
  }

  /** Whether a transaction that is open may yet change what is committed there. */
  isUnstable(groupId: string, topic: string, partition: number): boolean {
    return this.log.image(groupId).offsets.isPending(groupId, topic, partition)
  }

  /** May whoever this is ask for the offsets of the group? */
  admitFetch(groupId: string, claim: FetchClaim): ErrorCode {
    const error = this.find(groupId)?.admitFetch(claim) ?? ErrorCodes.NONE
    // What has no offsets is answered as if it were not there.
    return error === ErrorCodes.GROUP_ID_NOT_FOUND ? ErrorCodes.NONE : error
  }

  /** OffsetDelete: forgets offsets of topics that no member subscribes to. */
  async forget(groupId: string, wanted: readonly Place[]): Promise<OffsetRemoval> {
    const { offsets: image } = this.log.image(groupId)
    const decision = offsetRemoval(this.find(groupId), wanted, place => image.has(groupId, place))
    if (decision.error !== ErrorCodes.NONE) return decision
    return { ...decision, error: await this.#putOffsets(groupId, decision.changes) }
  }

  async delete(groupId: string): Promise<ErrorCode> {
    const type = this.#typeOf(groupId)
    return type ? type.delete(groupId) : ErrorCodes.GROUP_ID_NOT_FOUND
  }

  /** A topic is gone, and with it every offset in it. */
  topicDeleted(name: string): Promise<void> {
    return this.#forgetOffsets(topic => topic === name)
  }

  close(): void {
    this.#isClosed = true
    this.#expiryTimer?.cancel()
    for (const type of this.#types) type.close()
  }

  /** Removes what has expired. Runs by itself every `offsets.retention.check.interval.ms`. */
  async removeExpired(): Promise<void> {
    for (const { id } of [...this.all()]) {
      const group = this.find(id)
      if (group === undefined) continue
      const { offsets: image } = this.log.image(id)
      const offsets = image.offsets(id)
      const expired = expiredOffsets(group, offsets, {
        retentionMs: this.#settings.offsetsRetentionMs,
        now: this.#clock.now(),
        isPending: (topic, partition) => image.isPending(id, topic, partition),
      })
      let left = -expired.length
      for (const partitions of offsets.values()) left += partitions.size
      if (left === 0 && group.isAbandoned && !image.hasPending(id)) await this.delete(id)
      else await this.#putOffsets(id, expired)
    }
  }

  #typeOf(groupId: string): GroupType | undefined {
    return this.#types.find(type => type.find(groupId) !== undefined)
  }

  /** A group that does not exist yet is made by the first classic member. */
  #classicMembers(groupId: string): ClassicMembers | undefined {
    return (this.#typeOf(groupId) ?? this.classic).classicMembers
  }

  #admitCommit(groupId: string, claim: CommitClaim, changes: readonly OffsetChange[]): ErrorCode {
    const group = this.find(groupId)
    if (group) return group.admitCommit(claim, changes)
    if (claim.generation >= 0)
      return claim.isTransactional || claim.apiVersion < 9
        ? ErrorCodes.ILLEGAL_GENERATION
        : ErrorCodes.GROUP_ID_NOT_FOUND
    if (changes.length > 0) this.classic.makeSimple(groupId)
    return ErrorCodes.NONE
  }

  #lookForExpiredLater(): void {
    if (this.#isClosed) return
    this.#expiryTimer = this.#clock.timer(this.#settings.offsetsRetentionCheckIntervalMs, () => {
      const failed = (error: unknown) => this.#logger.warn({ error }, 'expired offsets could not be removed')
      const isTrusted = this.#guard.look(this.#clock.now(), this.#clock.monotonic())
      void (isTrusted ? this.removeExpired() : Promise.resolve()).catch(failed).then(() => this.#lookForExpiredLater())
    })
  }

  async #forgetOffsets(isGone: (topic: string) => boolean): Promise<void> {
    for (const { id } of [...this.all()]) {
      const gone = [...this.log.image(id).offsets.places(id)].filter(({ topic }) => isGone(topic))
      await this.#putOffsets(
        id,
        gone.map(place => ({ ...place, committed: null })),
      )
    }
  }

  #putOffsets(groupId: string, changes: readonly OffsetChange[]): Promise<ErrorCode> {
    return this.#stored(this.log.write(groupId, offsetRecords(groupId, changes)))
  }

  /** What cannot be written fails. */
  async #stored(written: Promise<ErrorCode>): Promise<ErrorCode> {
    try {
      return await written
    } catch (error) {
      this.#logger.error({ error }, 'offsets of a group cannot be stored')
      return ErrorCodes.UNKNOWN_SERVER_ERROR
    }
  }
}

export function offsetRecords(groupId: string, changes: readonly OffsetChange[]): OffsetRecord[] {
  return changes.map(change => ({ kind: 'offset', groupId, change }))
}
