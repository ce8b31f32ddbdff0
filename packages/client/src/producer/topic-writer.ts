/**
 * One topic as a producer writes it: which partition a record goes to, and the queues of the partitions. Until the topic's
 * partitions are known, records wait here in their order.
 */
import { UsageError } from '@odradek/protocol'
import type { Random } from '@odradek/world'
import { PartitionQueue, type QueueRules } from './partition-queue.ts'
import { type Partitioner, partitionOfKey, stickyPartition } from './partitioner.ts'
import type { PendingRecord } from './pending-record.ts'

export class TopicWriter {
  readonly name: string
  /** Those of the partitions that there are. Empty until the topic is known. */
  queues: readonly PartitionQueue[] = []
  /** Records that came before the topic was known. */
  waiting: PendingRecord[] = []
  isLookedUp = false
  /** When metadata began to tell of fewer partitions than there are queues. */
  lackingSince: number | undefined
  /** Also of partitions that went away: should they come back, the broker may remember their sequence numbers. */
  readonly #all: PartitionQueue[] = []
  readonly #rules: QueueRules
  readonly #random: Random
  readonly #partitioner: Partitioner | undefined
  #sticky = -1

  constructor(name: string, rules: QueueRules, random: Random, partitioner: Partitioner | undefined) {
    this.name = name
    this.#rules = rules
    this.#random = random
    this.#partitioner = partitioner
  }

  get isKnown(): boolean {
    return this.queues.length > 0
  }

  /** Also those of partitions that went away. */
  get allQueues(): readonly PartitionQueue[] {
    return this.#all
  }

  /** Makes queues for partitions that are new; returns those. */
  extendTo(partitionCount: number): PartitionQueue[] {
    const fresh: PartitionQueue[] = []
    for (let partition = this.#all.length; partition < partitionCount; partition++) {
      fresh.push(new PartitionQueue(this.name, partition, this.#rules))
    }
    this.#all.push(...fresh)
    this.queues = this.#all.slice(0, partitionCount)
    return fresh
  }

  /** Writes to the first partitions only from now on, with 0 to none until the topic is known again; returns the others' queues. */
  shrinkTo(partitionCount: number): readonly PartitionQueue[] {
    const gone = this.queues.slice(partitionCount)
    this.queues = this.queues.slice(0, partitionCount)
    return gone
  }

  queueFor(key: Uint8Array | null, value: Uint8Array | null, partition: number | undefined): PartitionQueue {
    const { queues } = this
    const partitionCount = queues.length
    const chosen = partition ?? this.#partitioner?.({ topic: this.name, key, value, partitionCount })
    if (chosen !== undefined) return queues[chosen] ?? this.#noSuchPartition(chosen)
    if (key !== null) return queues[partitionOfKey(key, partitionCount)]!
    const sticky = queues[this.#sticky]
    if (sticky?.open && !sticky.hasReady) return sticky
    const leaders = queues.map(queue => queue.leader)
    this.#sticky = stickyPartition(this.#sticky, leaders, this.#random)
    return queues[this.#sticky]!
  }

  #noSuchPartition(partition: number): never {
    const last = this.queues.length - 1
    throw new UsageError(`topic '${this.name}' has partitions 0 to ${last}; ${partition} is none of them`)
  }
}
