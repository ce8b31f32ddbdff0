import type { RecordInput } from '@odradek/protocol'
import { type CommittedOffset, type GroupOffsets, noOffsets } from './committed-offset.ts'
import { emptyGroup } from './group.ts'
import { type GroupRecord, groupTombstone, offsetRecord } from './group-records.ts'
import { type StoredGroup, storedGroup } from './stored-group.ts'

/**
 * What the records of one shard of `__consumer_offsets` add up to: the last value of each key. `apply` is the only way it changes.
 */
export class GroupImage {
  readonly #groups = new Map<string, StoredGroup>()
  readonly #offsets = new Map<string, Map<string, Map<number, CommittedOffset>>>()

  apply(record: GroupRecord): void {
    if (record.type === 'group') {
      if (record.group) this.#groups.set(record.groupId, record.group)
      else this.#groups.delete(record.groupId)
      return
    }
    const { topic, partition, committed } = record.change
    if (committed) this.#partitions(record.groupId, topic).set(partition, committed)
    else this.#forget(record.groupId, topic, partition)
  }

  offsets(groupId: string): GroupOffsets {
    return this.#offsets.get(groupId) ?? noOffsets
  }

  /** Groups, and those that are known by their offsets only. */
  groups(): StoredGroup[] {
    const ids = new Set([...this.#groups.keys(), ...this.#offsets.keys()])
    return Array.from(ids, id => this.#groups.get(id) ?? storedGroup(emptyGroup(id, -1)))
  }

  /** Records that forget a group and all its offsets. */
  removal(groupId: string): { input: RecordInput; record: GroupRecord }[] {
    const records: { input: RecordInput; record: GroupRecord }[] = []
    for (const [topic, partitions] of this.offsets(groupId)) {
      for (const partition of partitions.keys()) {
        const change = { topic, partition, committed: null }
        records.push({ input: offsetRecord(groupId, change), record: { type: 'offset', groupId, change } })
      }
    }
    records.push({ input: groupTombstone(groupId), record: { type: 'group', groupId, group: null } })
    return records
  }

  #partitions(groupId: string, topic: string): Map<number, CommittedOffset> {
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
