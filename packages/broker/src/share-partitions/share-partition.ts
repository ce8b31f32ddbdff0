import type { PartitionId } from '@odradek/log'
import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { CoordinatorLog } from '../coordinator-log/coordinator-log.ts'
import type { BrokerParts } from '../handler.ts'
import type { Acknowledged } from './acknowledgement.ts'
import type { Acquired, AcquisitionRequest } from './acquisition.ts'
import { type OffsetRange, type RecordRun, RecordStates } from './record-run.ts'
import { SharePartitionMachine } from './share-partition-machine.ts'
import type { ShareSettings } from './share-settings.ts'
import {
  type SharePartitionName,
  type ShareStateImage,
  type ShareStateRecord,
  type StoredProgress,
  shareKey,
} from './share-state-records.ts'

export type ShareStateLog = CoordinatorLog<ShareStateRecord, ShareStateImage>

/** What a share-partition works with. */
export interface SharePartitionParts extends Pick<BrokerParts, 'clock' | 'engine' | 'cluster' | 'logger'> {
  readonly log: ShareStateLog
  settings(groupId: string): ShareSettings
  /** Something was locked, until then. */
  locked(until: number): void
  /** Records of it wait for their dead letters. */
  died(partition: SharePartition): void
}

/**
 * One partition as one share group reads it: the machine, what is durable of it, and who waits for records.
 *
 * Acknowledgements that come while a snapshot is being written go into the next one, all of them, so a write is as cheap as the records
 * are many.
 */
export class SharePartition {
  readonly name: SharePartitionName
  readonly key: string
  readonly partition: PartitionId
  /** Called when there may be something to acquire. */
  readonly #waiting = new Set<() => void>()
  /** Those who wanted to read while somebody else did, in turn. */
  readonly #next = new Set<() => void>()
  /** So much was locked that nobody could read. */
  #wasFull = false
  readonly #parts: SharePartitionParts
  #machine: SharePartitionMachine | null = null
  #opening: Promise<ErrorCode> | null = null
  /** Of the snapshot that is to be written next. */
  #ticket = 1
  #queued: Promise<ErrorCode> | null = null
  #isReading = false
  #isClosed = false

  constructor(name: SharePartitionName, partition: PartitionId, parts: SharePartitionParts) {
    this.name = name
    this.key = shareKey(name)
    this.partition = partition
    this.#parts = parts
  }

  /** After NONE records can be acquired. The first time the start offset is decided, and made durable before anything is given out. */
  open(): ErrorCode | Promise<ErrorCode> {
    if (this.#isClosed) return ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION
    if (this.#machine) return ErrorCodes.NONE
    return (this.#opening ??= this.#open().finally(() => {
      this.#opening = null
    }))
  }

  async #open(): Promise<ErrorCode> {
    const { log, engine } = this.#parts
    if (!log.isReadable(this.key)) return ErrorCodes.COORDINATOR_NOT_AVAILABLE
    const [state] = await engine.state([this.partition])
    if (!state) return ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION
    const stored = log.image(this.key).progress(this.key)
    if (stored && stored.startOffset >= 0) {
      const machine = SharePartitionMachine.restored(stored)
      machine.moveStart(state.logStartOffset)
      return this.#begin(machine)
    }
    const machine = new SharePartitionMachine(await this.#firstOffset(state.logStartOffset, state.highWatermark))
    const error = await log.write(this.key, () => [this.#record(machine)])
    return error === ErrorCodes.NONE ? this.#begin(machine) : error
  }

  #begin(machine: SharePartitionMachine): ErrorCode {
    if (this.#isClosed) return ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION
    this.#machine = machine
    this.#mourn()
    return ErrorCodes.NONE
  }

  async #firstOffset(earliest: number, latest: number): Promise<number> {
    const { offsetReset } = this.#settings
    if (offsetReset === 'earliest') return earliest
    if (offsetReset === 'latest') return latest
    const timestamp = this.#parts.clock.now() - offsetReset
    const [found] = await this.#parts.engine.offsetForTime([{ partition: this.partition, timestamp }])
    return found!.offset < 0 ? latest : found!.offset
  }

  /** From now on `wake` is called when there may be something to acquire, or it is its turn to read. */
  attend(wake: () => void): void {
    this.#waiting.add(wake)
  }

  leave(wake: () => void): void {
    this.#waiting.delete(wake)
    this.#next.delete(wake)
    // It may have been its turn.
    if (!this.#isReading) this.#wakeNext()
  }

  /** Where to read; -1 when there is nothing to acquire, or somebody else is reading: then `wake` is called. Ends with `endRead`. */
  beginRead(wake: () => void): number {
    if (!this.#machine || this.#isClosed) return -1
    if (this.#isReading) {
      this.#next.add(wake)
      return -1
    }
    this.#next.delete(wake)
    this.expire()
    const offset = this.position
    this.#wasFull = offset < 0
    this.#isReading = offset >= 0
    return offset
  }

  endRead(): void {
    this.#isReading = false
    this.#wakeNext()
  }

  /** Where the next acquisition begins; -1: none can. */
  get position(): number {
    return this.#machine?.nextOffset(this.#settings.rules) ?? -1
  }

  /** Only between `beginRead` and `endRead`. */
  acquire(request: Omit<AcquisitionRequest, 'rules' | 'now'>): Acquired[] {
    if (this.#isClosed || !this.#machine) return []
    const { rules } = this.#settings
    const now = this.#parts.clock.monotonic()
    const acquired = this.#machine.acquire({ ...request, rules, now })
    if (acquired.length > 0) this.#parts.locked(now + rules.lockMs)
    return acquired
  }

  /** Resolves when it is durable. */
  acknowledge(member: string, ranges: readonly Acknowledged[]): ErrorCode | Promise<ErrorCode> {
    if (!this.#machine || this.#isClosed) return this.#acknowledgeLater(member, ranges)
    this.expire()
    const { rules, isRenewEnabled } = this.#settings
    const isRenewal = ranges.some(({ outcome }) => outcome === 'renew')
    if (isRenewal && !isRenewEnabled) return ErrorCodes.INVALID_RECORD_STATE
    const now = this.#parts.clock.monotonic()
    const error = this.#machine.acknowledge(member, ranges, { rules, now, ticket: this.#ticket })
    if (error !== ErrorCodes.NONE) return error
    if (isRenewal) this.#parts.locked(now + rules.lockMs)
    if (ranges.every(({ outcome }) => outcome === 'renew')) return ErrorCodes.NONE
    if (ranges.some(({ outcome }) => outcome === 'release')) this.#changed()
    return this.#persist()
  }

  async #acknowledgeLater(member: string, ranges: readonly Acknowledged[]): Promise<ErrorCode> {
    const error = await this.open()
    return error === ErrorCodes.NONE ? this.acknowledge(member, ranges) : error
  }

  /** A member is gone. */
  release(member: string): void {
    if (this.#machine?.releaseAll(member, this.#settings.rules)) this.#changedByItself()
  }

  /** Locks that are over are forgotten. */
  expire(): void {
    if (this.#machine?.expire(this.#parts.clock.monotonic(), this.#settings.rules)) this.#changedByItself()
  }

  nextExpiry(): number {
    return this.#machine?.nextExpiry() ?? Infinity
  }

  postpone(ms: number): void {
    this.#machine?.postpone(ms)
  }

  /** The log begins later than it did. */
  moveStart(logStart: number): void {
    if (this.#machine?.moveStart(logStart)) this.#changedByItself()
  }

  /** What waits for its dead letter. */
  dead(): readonly RecordRun[] {
    return this.#machine?.archiving() ?? []
  }

  buried(range: OffsetRange): void {
    this.#machine?.archived(range)
    this.#changedByItself()
  }

  /** What is durable is forgotten by whoever closes it. */
  close(): void {
    this.#isClosed = true
    this.#wake()
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  get #settings(): ShareSettings {
    return this.#parts.settings(this.name.groupId)
  }

  /** Nobody waits for this to be durable: a restart that forgets it does no harm. */
  #changedByItself(): void {
    this.#changed()
    void this.#persist()
  }

  #changed(): void {
    this.#mourn()
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
  }

  #wakeNext(): void {
    const [next] = this.#next
    if (next === undefined) return
    this.#next.delete(next)
    next()
  }

  #mourn(): void {
    if (this.#machine?.runs.some(({ state, ticket }) => state === RecordStates.Archiving && ticket === 0))
      this.#parts.died(this)
  }

  /** A write that is queued takes along whatever has changed when its turn comes. */
  #persist(): Promise<ErrorCode> {
    return (this.#queued ??= this.#write())
  }

  async #write(): Promise<ErrorCode> {
    let ticket = 0
    const begin = (): void => {
      ticket = this.#ticket++
      this.#queued = null
    }
    const error = await this.#parts.log.write(this.key, () => {
      begin()
      return this.#isClosed ? [] : [this.#record(this.#machine!)]
    })
    // Refused before its turn came.
    if (ticket === 0) begin()
    this.#machine!.settle(ticket, error === ErrorCodes.NONE)
    if (error !== ErrorCodes.NONE) this.#parts.locked(0)
    this.#mourn()
    if (this.#wasFull) this.#wake()
    return this.#isClosed ? ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION : error
  }

  #record(machine: SharePartitionMachine): ShareStateRecord {
    const { log, clock, cluster } = this.#parts
    const before = log.image(this.key).progress(this.key)
    const now = clock.now()
    const progress: StoredProgress = {
      ...machine.snapshot(),
      snapshotEpoch: (before?.snapshotEpoch ?? -1) + 1,
      stateEpoch: before?.stateEpoch ?? 0,
      leaderEpoch: cluster.leaderEpoch,
      createTimestamp: before?.createTimestamp ?? now,
      writeTimestamp: now,
    }
    return { name: this.name, progress }
  }
}
