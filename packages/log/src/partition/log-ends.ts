/**
 * Where the log of a partition begins and ends.
 *
 *     logStartOffset      lastStableOffset    highWatermark        nextOffset
 *           ▼                    ▼                  ▼                  ▼
 *     ──────[ readable, durable ······················ ][ written, not yet durable ]
 *
 * Invariant: logStartOffset ≤ lastStableOffset ≤ highWatermark ≤ nextOffset.
 */
import type { PartitionState } from '../engine.ts'
import { type CheckpointSlot, partitionKey } from '../folder/checkpoint.ts'
import type { PartitionOwner } from '../folder/partition-folder.ts'
import type { LogServices } from '../log-services.ts'
import type { Transactions } from '../producers/transactions.ts'
import type { SegmentList } from '../segment/segment-list.ts'
import type { LogFailure } from './log-failure.ts'

export class LogEnds {
  logStartOffset: number
  /** Everything before it is durable; readers see nothing at or past it. */
  highWatermark: number
  readonly #services: LogServices
  readonly #segments: SegmentList
  readonly #transactions: Transactions
  readonly #failure: LogFailure
  readonly #slot: CheckpointSlot
  /** The log start that is about to be durable. */
  #startToBe: number

  /** Of a log that was just recovered: all of it is durable. */
  constructor(
    services: LogServices,
    owner: PartitionOwner,
    segments: SegmentList,
    transactions: Transactions,
    failure: LogFailure,
    logStartOffset: number,
  ) {
    this.#transactions = transactions
    this.#services = services
    this.#segments = segments
    this.#failure = failure
    this.#slot = services.checkpoint.claim(partitionKey(owner.topicId, owner.index))
    this.highWatermark = this.nextOffset
    this.logStartOffset = Math.min(logStartOffset, this.nextOffset)
    this.#startToBe = this.logStartOffset
  }

  get nextOffset(): number {
    return this.#segments.nextOffset
  }

  /** First offset of a transaction that is not decided durably; without any, the high watermark. */
  get lastStableOffset(): number {
    return Math.max(this.logStartOffset, this.#transactions.lastStableOffset(this.highWatermark))
  }

  get state(): PartitionState {
    const { logStartOffset, highWatermark, lastStableOffset } = this
    const { leaderEpoch } = this.#services
    return { logStartOffset, highWatermark, lastStableOffset, leaderEpoch, bytes: this.#segments.bytes }
  }

  /** Notes them in the checkpoint, unsynced. Throws when the disk refuses. */
  write(): void {
    const durableOffset = this.highWatermark
    const logStartOffset = Math.max(this.#startToBe, this.logStartOffset)
    if (this.#slot.durableOffset === durableOffset && this.#slot.logStartOffset === logStartOffset) return
    this.#services.checkpoint.write(this.#slot, { durableOffset, logStartOffset })
  }

  /** Helps the next start to tell a torn tail from damage; the data itself is safe without. */
  note(): void {
    try {
      this.write()
    } catch (error) {
      this.#failure.noteFull(error)
    }
  }

  /**
   * Durable when it resolves, and not before is it true: a start that came back would bring back what was deleted. A start that seems to
   * be there already may be what a killed run has written and not synced.
   */
  async raiseStart(offset: number): Promise<void> {
    this.#startToBe = Math.max(this.#startToBe, offset)
    try {
      this.write()
      await this.#services.checkpoint.settle(this.#slot)
    } catch (error) {
      this.#startToBe = this.logStartOffset
      throw error
    }
    this.logStartOffset = Math.max(this.logStartOffset, offset)
  }

  /** The partition is no more. */
  forget(): void {
    this.#services.lateNotes.drop(this)
    this.#services.checkpoint.free(this.#slot)
  }
}
