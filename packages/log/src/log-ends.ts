/**
 * Where the log of a partition begins and ends.
 *
 *     logStartOffset      lastStableOffset    highWatermark        nextOffset
 *           ▼                    ▼                  ▼                  ▼
 *     ──────[ readable, durable ······················ ][ written, not yet durable ]
 *
 * Invariant: logStartOffset ≤ lastStableOffset ≤ highWatermark ≤ nextOffset.
 */
import { type CheckpointSlot, partitionKey } from './checkpoint.ts'
import type { PartitionState } from './engine.ts'
import type { LogFailure } from './log-failure.ts'
import type { LogServices } from './log-services.ts'
import type { PartitionOwner } from './partition-folder.ts'
import type { SegmentList } from './segment-list.ts'

export class LogEnds {
  logStartOffset: number
  /** Everything before it is durable; readers see nothing at or past it. */
  highWatermark: number
  readonly #services: LogServices
  readonly #segments: SegmentList
  readonly #failure: LogFailure
  readonly #slot: CheckpointSlot

  /** Of a log that was just recovered: all of it is durable. */
  constructor(services: LogServices, owner: PartitionOwner, segments: SegmentList, failure: LogFailure) {
    this.#services = services
    this.#segments = segments
    this.#failure = failure
    this.#slot = services.checkpoint.claim(partitionKey(owner.topicId, owner.index))
    this.highWatermark = this.nextOffset
    this.logStartOffset = Math.min(Math.max(this.#slot.logStartOffset, segments.baseOffset), this.nextOffset)
  }

  get nextOffset(): number {
    return this.#segments.nextOffset
  }

  /** First offset of a transaction that is still open; without any, the high watermark. */
  get lastStableOffset(): number {
    return this.highWatermark
  }

  get state(): PartitionState {
    const { logStartOffset, highWatermark, lastStableOffset } = this
    const { leaderEpoch } = this.#services
    return { logStartOffset, highWatermark, lastStableOffset, leaderEpoch, bytes: this.#segments.bytes }
  }

  /** Notes them in the checkpoint, unsynced. Throws when the disk refuses. */
  write(): void {
    const { highWatermark: durableOffset, logStartOffset } = this
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

  /** The partition is no more. */
  forget(): void {
    this.#services.checkpoint.free(this.#slot)
  }
}
