/**
 * Damage: bytes that were durable and are not what was written, or records that are gone.
 *
 *     good batches │ fromPosition … toPosition │ good batches        in the file of a segment
 *      … 41        │ 42 … 44 are lost          │ 45 …                fromOffset 42, toOffset 45
 */
import { CorruptionError } from '@odradek/protocol'

export interface DamagedRange {
  /** Base offset of the segment whose bytes these are; for records that are gone, of the one before or, without any, after them. */
  readonly segment: number
  /** Equal to `toPosition` when the bytes are gone. */
  readonly fromPosition: number
  readonly toPosition: number
  /** Equal to `toOffset` when no records are lost: rubbish between two batches. */
  readonly fromOffset: number
  readonly toOffset: number
  readonly reason: string
  /** Wall time. */
  readonly foundAt: number
}

/** Bytes that should be a batch are none. Says where, and which offset was expected there. */
export class SegmentDamage extends CorruptionError {
  override readonly position: number
  readonly nextOffset: number
  readonly reason: string
  /** Whoever knows says which; its file may have been replaced meanwhile. */
  segment: object | undefined

  constructor(file: string, found: { position: number; nextOffset: number; reason: string }) {
    super(`${file} is damaged at byte ${found.position}: ${found.reason}`, { file, position: found.position })
    this.position = found.position
    this.nextOffset = found.nextOffset
    this.reason = found.reason
  }
}
