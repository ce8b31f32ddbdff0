/** All partitions of an engine, by name; hands out what they have fetched, in fair turns. */
import { type LazyRecord, UsageError } from '@odradek/protocol'
import { AssignedPartition, type Need } from './assigned-partition.ts'
import type { PartitionBatch } from './engine.ts'
import { byTopicAndPartition, keyOf, type TopicPartition } from './topic-partition.ts'

export interface Taken {
  readonly batches: PartitionBatch[]
  /** Some position moved, perhaps only over what nobody sees. */
  readonly hasMoved: boolean
}

export class AssignedPartitions {
  readonly #byKey = new Map<string, AssignedPartition>()
  /** In turn: whoever gave most recently is asked last. */
  #turns: AssignedPartition[] = []

  get size(): number {
    return this.#byKey.size
  }

  [Symbol.iterator](): Iterator<AssignedPartition> {
    return this.#byKey.values()
  }

  find(at: TopicPartition): AssignedPartition | undefined {
    return this.#byKey.get(keyOf(at))
  }

  get(at: TopicPartition): AssignedPartition {
    const found = this.find(at)
    if (!found) throw new UsageError(`${keyOf(at)} is not assigned to this consumer now; see assignment()`)
    return found
  }

  /** Those that are there already stay as they are. */
  add(
    partitions: readonly TopicPartition[],
    partitionMaxBytes: number,
    needOf: (at: TopicPartition) => NonNullable<Need>,
  ): void {
    for (const at of partitions) {
      if (this.#byKey.has(keyOf(at))) continue
      this.#byKey.set(keyOf(at), new AssignedPartition(at.topic, at.partition, partitionMaxBytes, needOf(at)))
    }
    this.#turns = [...this.#byKey.values()]
  }

  /** Answers that are still under way for them are dropped when they come. */
  drop(partitions: readonly TopicPartition[]): void {
    for (const at of partitions) {
      const p = this.#byKey.get(keyOf(at))
      if (p) p.version++
      this.#byKey.delete(keyOf(at))
    }
    this.#turns = [...this.#byKey.values()]
  }

  list(): TopicPartition[] {
    return Array.from(this.#byKey.values(), ({ topic, partition }) => ({ topic, partition })).sort(byTopicAndPartition)
  }

  /** What a poll has to throw before anything else. */
  takeDamage(): Error | null {
    for (const p of this.#byKey.values()) {
      const damage = p.takeDamage()
      if (damage !== null) return damage
    }
    return null
  }

  /** `damaged` is told of partitions whose bytes do not make sense; what was read before the damage is handed out. */
  take(maxRecords: number, damaged: (p: AssignedPartition, error: unknown) => void): Taken {
    const batches: PartitionBatch[] = []
    let left = maxRecords
    let hasMoved = false
    const gave: AssignedPartition[] = []
    for (const p of this.#turns) {
      if (left === 0) break
      if (!p.hasBuffered) continue
      const records: LazyRecord[] = []
      try {
        if (p.take(left, records)) hasMoved = true
      } catch (error) {
        damaged(p, error)
      }
      if (records.length > 0) batches.push(batchOf(p, records))
      left -= records.length
      gave.push(p)
    }
    if (gave.length > 0) this.#turns = [...this.#turns.filter(p => !gave.includes(p)), ...gave]
    return { batches, hasMoved }
  }
}

function batchOf(p: AssignedPartition, records: LazyRecord[]): PartitionBatch {
  const { topic, partition, positionEpoch: leaderEpoch, endOffset } = p
  return { topic, partition, records, nextOffset: p.position!, leaderEpoch, endOffset }
}
