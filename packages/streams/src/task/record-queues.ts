import type { PartitionBatch } from '@odradek/client'

type LazyRecord = PartitionBatch['records'][number]

/** The record at the head of a task's input, and where its partition stands once it is processed. */
export interface HeadRecord {
  readonly topic: string
  readonly partition: number
  readonly record: LazyRecord
  /** Offset after it, and after what nobody sees behind it. */
  readonly next: number
  readonly leaderEpoch: number
}

interface Queue {
  batches: PartitionBatch[]
  /** Of the next record in the first batch. */
  index: number
  length: number
}

/**
 * The input of a task: a queue for each of its partitions, of batches as they were fetched. The next record is that whose head has the
 * lowest timestamp; within a partition order never changes (streams facts 2.28).
 */
export class RecordQueues {
  readonly #queues = new Map<string, Queue>()
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Records waiting of a topic: a task reads one partition of each. */
  waiting(topic: string): number {
    return this.#queues.get(topic)?.length ?? 0
  }

  add(batch: PartitionBatch): void {
    if (batch.records.length === 0) return
    const queue = this.#queues.get(batch.topic)
    if (queue) {
      queue.batches.push(batch)
      queue.length += batch.records.length
    } else this.#queues.set(batch.topic, { batches: [batch], index: 0, length: batch.records.length })
    this.#length += batch.records.length
  }

  next(): HeadRecord | undefined {
    const queue = this.#queues.size === 1 ? this.#only() : this.#earliest()
    if (!queue) return undefined
    const batch = queue.batches[0]!
    const record = batch.records[queue.index++]!
    const isLast = queue.index === batch.records.length
    if (isLast) {
      queue.batches.shift()
      queue.index = 0
    }
    queue.length--
    this.#length--
    const { topic, partition, leaderEpoch, nextOffset } = batch
    return { topic, partition, record, next: isLast ? nextOffset : record.offset + 1, leaderEpoch }
  }

  #only(): Queue | undefined {
    for (const queue of this.#queues.values()) return queue.length > 0 ? queue : undefined
    return undefined
  }

  #earliest(): Queue | undefined {
    let best: Queue | undefined
    let bestTime = 0
    for (const queue of this.#queues.values()) {
      if (queue.length === 0) continue
      const time = queue.batches[0]!.records[queue.index]!.timestamp
      if (best !== undefined && time >= bestTime) continue
      best = queue
      bestTime = time
    }
    return best
  }
}
