import type { Image, Outcome } from '../coordinator-log/record-kind.ts'
import type { AnyPart, GroupRecord, GroupRecordKind, GroupRecordPart, PartImage } from './group-records.ts'
import type { OffsetImage } from './offset-image.ts'
import { type OffsetRecord, offsetPart } from './offset-records.ts'

/** What the records of one shard of `__consumer_offsets` add up to: an image for each kind of group, and one of the offsets of all. */
export class GroupImage implements Image<GroupRecord> {
  readonly #parts: ReadonlyMap<GroupRecordKind, PartImage<GroupRecord>>

  constructor(parts: readonly AnyPart[]) {
    this.#parts = new Map(parts.map(part => [part.kind, part.freshImage()]))
  }

  of<R extends GroupRecord, I extends PartImage<R>>(part: GroupRecordPart<R, I>): I {
    return this.#parts.get(part.kind) as unknown as I
  }

  get offsets(): OffsetImage {
    return this.of(offsetPart)
  }

  apply(record: GroupRecord, offset: number): void {
    this.#parts.get(record.kind)!.apply(record, offset)
  }

  /** Only offsets are committed in transactions. */
  hold(record: GroupRecord, offset: number, producerId: bigint): void {
    if (record.kind === 'offset') this.offsets.hold(record as OffsetRecord, offset, producerId)
  }

  release(producerId: bigint, outcome: Outcome): void {
    this.offsets.release(producerId, outcome)
  }

  /** Records that forget a group, whatever its kind, and its offsets, also those of open transactions. */
  removal(groupId: string): readonly GroupRecord[] {
    return [...this.#parts.values()].flatMap(part => part.removal(groupId))
  }
}
