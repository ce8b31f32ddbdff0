import type { Outcome } from '../coordinator-log/record-kind.ts'
import { type CommittedOffset, type GroupOffsets, noOffsets, type Place } from './committed-offset.ts'
import type { PartImage } from './group-records.ts'
import type { OffsetRecord } from './offset-records.ts'
import { PendingOffsets } from './pending-offsets.ts'

/** A committed offset, and where in the log of its shard it stands. */
interface StoredOffset extends CommittedOffset {
  readonly recordOffset: number
}

/**
 * The committed offsets of one shard, and those of open transactions. Of a place the commit that stands last counts, also when it is the
 * earlier of two that takes effect last: a transaction that ends late does not undo what was committed after its own commit. So it does
 * not matter what compaction has removed meanwhile.
 */
export class OffsetImage implements PartImage<OffsetRecord> {
  readonly #offsets = new Map<string, Map<string, Map<number, StoredOffset>>>()
  readonly #pending = new PendingOffsets()

  apply({ groupId, change }: OffsetRecord, recordOffset: number): void {
    const { topic, partition, committed } = change
    const known = this.#offsets.get(groupId)?.get(topic)?.get(partition)
    if (known !== undefined && known.recordOffset > recordOffset) return
    if (committed) this.#partitions(groupId, topic).set(partition, { ...committed, recordOffset })
    else {
      this.#forget(groupId, topic, partition)
      this.#pending.forget(groupId, change, recordOffset)
    }
  }

  hold({ groupId, change }: OffsetRecord, recordOffset: number, producerId: bigint): void {
    this.#pending.add({ groupId, change, recordOffset }, producerId)
  }

  release(producerId: bigint, outcome: Outcome): void {
    const pending = this.#pending.end(producerId)
    if (outcome === 'commit')
      for (const { groupId, change, recordOffset } of pending)
        this.apply({ kind: 'offset', groupId, change }, recordOffset)
  }

  offsets(groupId: string): GroupOffsets {
    return this.#offsets.get(groupId) ?? noOffsets
  }

  /** Whether an open transaction has committed an offset there. */
  isPending(groupId: string, topic: string, partition: number): boolean {
    return this.#pending.has(groupId, topic, partition)
  }

  /** Whether an open transaction has committed any offset of the group. */
  hasPending(groupId: string): boolean {
    return this.#pending.hasAny(groupId)
  }

  groupIds(): Iterable<string> {
    return new Set([...this.#offsets.keys(), ...this.#pending.groupIds()])
  }

  /** Where anything is committed, be it in a transaction that is open. */
  *places(groupId: string): Iterable<Place> {
    const committed = this.offsets(groupId)
    for (const [topic, partitions] of committed) for (const partition of partitions.keys()) yield { topic, partition }
    for (const { topic, partition } of this.#pending.places(groupId))
      if (!committed.get(topic)?.has(partition)) yield { topic, partition }
  }

  has(groupId: string, { topic, partition }: Place): boolean {
    return this.offsets(groupId).get(topic)?.has(partition) || this.isPending(groupId, topic, partition)
  }

  removal(groupId: string): readonly OffsetRecord[] {
    return Array.from(this.places(groupId), place => ({
      kind: 'offset',
      groupId,
      change: { ...place, committed: null },
    }))
  }

  #partitions(groupId: string, topic: string): Map<number, StoredOffset> {
    let topics = this.#offsets.get(groupId)
    if (!topics) this.#offsets.set(groupId, (topics = new Map()))
    let partitions = topics.get(topic)
    if (!partitions) topics.set(topic, (partitions = new Map()))
    return partitions
  }

  #forget(groupId: string, topic: string, partition: number): void {
    const topics = this.#offsets.get(groupId)
    const partitions = topics?.get(topic)
    partitions?.delete(partition)
    if (partitions?.size === 0) topics!.delete(topic)
    if (topics?.size === 0) this.#offsets.delete(groupId)
  }
}
