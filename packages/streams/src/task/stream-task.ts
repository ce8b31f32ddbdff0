import type { OffsetToCommit, PartitionBatch, TopicPartition } from '@odradek/client'
import type { ErrorPolicy } from '../handlers/handlers.ts'
import type { Cancellable, Punctuation } from '../processor.ts'
import type { Done, RecordMetadata } from '../record.ts'
import { encodePartitionTime } from '../runtime/partition-time.ts'
import type { TaskInput } from '../runtime/task-assignor.ts'
import type { StateStore } from '../state/state-store.ts'
import type { Subtopology } from '../topology/topology.ts'
import type { Collector } from './collector.ts'
import { Punctuations } from './punctuations.ts'
import { type HeadRecord, RecordQueues } from './record-queues.ts'
import { TaskGraph } from './task-graph.ts'
import type { TaskHost } from './task-host.ts'

export interface StreamTaskOptions {
  input: TaskInput
  subtopology: Subtopology
  applicationId: string
  stores: ReadonlyMap<string, StateStore>
  collector: Collector
  errors?: ErrorPolicy
  /** What earlier commits said, by topic: an offset, and the time of the partition (streams facts 2.30). */
  committed: ReadonlyMap<string, { offset: number; time: number }>
  /** The clock's time. */
  now(): number
}

interface Progress {
  offset: number
  leaderEpoch: number
  time: number
  committed: number
}

/**
 * A sub-topology at work on one partition: its input queues, its processors and its stores. One record at a time.
 *
 * Invariant: a commit covers exactly the records whose effects have been handed to the collector; it is made between records.
 */
export class StreamTask implements TaskHost {
  readonly id: string
  readonly input: TaskInput
  readonly stores: ReadonlyMap<string, StateStore>
  readonly #queues = new RecordQueues()
  readonly #graph: TaskGraph
  /** By topic: a task reads one partition of each. */
  readonly #progress = new Map<string, Progress>()
  readonly progress = new Map<string, number>()
  readonly #punctuations = new Punctuations()
  readonly #now: () => number
  #streamTime = -1
  #wantsCommit = false
  #dropped = 0

  constructor({ input, subtopology, applicationId, stores, collector, committed, errors, now }: StreamTaskOptions) {
    this.#now = now
    this.id = input.taskId
    this.input = input
    this.stores = stores
    for (const { topic } of input.inputs) {
      const { offset, time } = committed.get(topic) ?? { offset: -1, time: -1 }
      this.#progress.set(topic, { offset: -1, leaderEpoch: -1, time, committed: offset })
      this.#streamTime = Math.max(this.#streamTime, time)
    }
    this.#graph = new TaskGraph({
      subtopology,
      taskId: input.taskId,
      applicationId,
      stores,
      collector,
      host: this,
      errors,
    })
  }

  get streamTime(): number {
    return this.#streamTime
  }

  get systemTime(): number {
    return this.#now()
  }

  /** A processor has asked for a commit. */
  get wantsCommit(): boolean {
    return this.#wantsCommit
  }

  /** Records passed over since the task was made. */
  get droppedRecords(): number {
    return this.#dropped
  }

  schedule(punctuation: Punctuation, punctuate: (timestamp: number) => Done): Cancellable {
    return this.#punctuations.schedule(punctuation, this.#now(), punctuate)
  }

  requestCommit(): void {
    this.#wantsCommit = true
  }

  dropped(_node: string, _reason: string, _place: RecordMetadata | undefined): void {
    this.#dropped++
  }

  /** The node whose callback has not settled yet, and the record it was given; undefined in a punctuation. */
  get waitsFor(): { node: string; place: RecordMetadata | undefined } | undefined {
    return this.#graph.waitsFor
  }

  /** Takes what was fetched of one of its partitions. */
  add(batch: PartitionBatch): void {
    this.#queues.add(batch)
  }

  /** Records of one of its partitions that wait. */
  waiting(topic: string): number {
    return this.#queues.waiting(topic)
  }

  get hasWork(): boolean {
    return this.#queues.length > 0
  }

  /**
   * Processes up to `limit` records. A promise only when a callback waits; then `mustStop` is asked after each record, so that slow
   * callbacks do not keep the rebalance waiting for a whole turn.
   */
  process(limit: number, mustStop: () => boolean): Done {
    for (let left = limit; left > 0; left--) {
      const head = this.#queues.next()
      if (!head) return
      const waiting = this.#process(head)
      if (waiting) return this.#processRest(waiting, head, left - 1, mustStop)
      this.#advance(head)
    }
  }

  async #processRest(waiting: Promise<void>, head: HeadRecord, limit: number, mustStop: () => boolean): Promise<void> {
    await waiting
    this.#advance(head)
    for (let left = limit; left > 0 && !mustStop(); left--) {
      const next = this.#queues.next()
      if (!next) return
      await this.#process(next)
      this.#advance(next)
    }
  }

  /** A record with a negative timestamp is passed over (streams facts 2.36). */
  #process({ topic, partition, record }: HeadRecord): Done {
    if (record.timestamp < 0) return
    if (record.timestamp > this.#streamTime) this.#streamTime = record.timestamp
    return this.#graph.process(record, { topic, partition, offset: record.offset })
  }

  #advance({ topic, record, next, leaderEpoch }: HeadRecord): void {
    const progress = this.#progress.get(topic)!
    progress.offset = next
    progress.leaderEpoch = leaderEpoch
    progress.time = Math.max(progress.time, record.timestamp)
  }

  /**
   * What has been processed since the last commit, with each partition's time. Where nothing waits it is the consumer's position,
   * which skips what nobody sees behind the last record (streams facts 2.35).
   */
  offsetsToCommit(positionOf: (at: TopicPartition) => number | undefined): OffsetToCommit[] {
    const due: OffsetToCommit[] = []
    for (const at of this.input.inputs) {
      const progress = this.#progress.get(at.topic)!
      const position = this.waiting(at.topic) === 0 ? positionOf(at) : undefined
      const offset = Math.max(progress.offset, position ?? -1)
      if (offset <= progress.committed) continue
      due.push({ ...at, offset, leaderEpoch: progress.leaderEpoch, metadata: encodePartitionTime(progress.time) })
    }
    return due
  }

  committed(offsets: readonly OffsetToCommit[]): void {
    this.#wantsCommit = false
    for (const { topic, offset } of offsets) this.#progress.get(topic)!.committed = offset
  }

  close(): void {
    this.#graph.close()
    for (const store of this.stores.values()) store.close()
  }
}
