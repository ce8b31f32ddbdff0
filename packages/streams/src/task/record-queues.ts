import type { PartitionBatch } from '@odradek/client'

type LazyRecord = PartitionBatch['records'][number]

/** The record at the head of a task's input, and where its partition stands once it is processed. */
export interface HeadRecord {
  readonly topic: string
  readonly partition: number
  readonly record: LazyRecord
  /** The record's own time, or what the source's extractor says. Negative: it is passed over. */
  readonly timestamp: number
  /** Offset after it, and after what nobody sees behind it. */
  readonly next: number
  readonly leaderEpoch: number
}

/** What a source says of a record's time, knowing the largest of its partition so far, -1 before the first. */
export type TimeOf = (record: LazyRecord, batch: PartitionBatch, partitionTime: number) => number

interface Queue {
  readonly batches: PartitionBatch[]
  readonly timeOf: TimeOf | undefined
  /** Of the next record in the first batch. */
  index: number
  length: number
  /** Of the head, once somebody has asked; undefined without an extractor. */
  headTime: number | undefined
  /** Largest so far, -1 before the first. */
  partitionTime: number
}

/**
 * The input of a task: a queue for each of its partitions, of batches as they were fetched. The next record is that whose head has the
 * lowest timestamp; within a partition order never changes (streams facts 2.28).
 */
export class RecordQueues {
  readonly #queues = new Map<string, Queue>()
  #length = 0
  #withRecords = 0

  /** A partition that is read, whether it has records or not. */
  open(
    topic: string,
    { partitionTime = -1, timeOf }: { partitionTime?: number; timeOf?: TimeOf | undefined } = {},
  ): void {
    this.#queues.set(topic, { batches: [], timeOf, index: 0, length: 0, headTime: undefined, partitionTime })
  }

  get length(): number {
    return this.#length
  }

  /** Records waiting of a topic: a task reads one partition of each. */
  waiting(topic: string): number {
    return this.#queues.get(topic)?.length ?? 0
  }

  get hasEmpty(): boolean {
    return this.#withRecords < this.#queues.size
  }

  /** Topics of which nothing waits. */
  empty(): string[] {
    return [...this.#queues].filter(([, { length }]) => length === 0).map(([topic]) => topic)
  }

  add(batch: PartitionBatch): void {
    if (batch.records.length === 0) return
    if (!this.#queues.has(batch.topic)) this.open(batch.topic)
    const queue = this.#queues.get(batch.topic)!
    if (queue.length === 0) this.#withRecords++
    queue.batches.push(batch)
    queue.length += batch.records.length
    this.#length += batch.records.length
  }

  next(): HeadRecord | undefined {
    const queue = this.#queues.size === 1 ? this.#only() : this.#earliest()
    if (!queue) return undefined
    const batch = queue.batches[0]!
    const record = batch.records[queue.index]!
    const timestamp = headTimeOf(queue)
    if (timestamp > queue.partitionTime) queue.partitionTime = timestamp
    const isLast = ++queue.index === batch.records.length
    if (isLast) {
      queue.batches.shift()
      queue.index = 0
    }
    queue.headTime = undefined
    if (--queue.length === 0) this.#withRecords--
    this.#length--
    const { topic, partition, leaderEpoch, nextOffset } = batch
    return { topic, partition, record, timestamp, next: isLast ? nextOffset : record.offset + 1, leaderEpoch }
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
      const time = headTimeOf(queue)
      if (best !== undefined && time >= bestTime) continue
      best = queue
      bestTime = time
    }
    return best
  }
}

/** An extractor is asked once for each record, when that comes to the head. */
function headTimeOf(queue: Queue): number {
  const batch = queue.batches[0]!
  const record = batch.records[queue.index]!
  if (!queue.timeOf) return record.timestamp
  queue.headTime ??= queue.timeOf(record, batch, queue.partitionTime)
  return queue.headTime
}
