import type { OffsetToCommit, PartitionBatch } from '@odradek/client'
import type { Done } from '../record.ts'
import { encodePartitionTime } from '../runtime/partition-time.ts'
import type { TaskInput } from '../runtime/task-assignor.ts'
import type { StateStore } from '../state/state-store.ts'
import type { SourceSpec } from '../topology/node-spec.ts'
import type { Subtopology } from '../topology/topology.ts'
import type { Collector } from './collector.ts'
import { RecordQueues } from './record-queues.ts'
import { TaskGraph } from './task-graph.ts'

export interface StreamTaskOptions {
  input: TaskInput
  subtopology: Subtopology
  applicationId: string
  stores: ReadonlyMap<string, StateStore>
  collector: Collector
}

/**
 * A sub-topology at work on one partition: its input queues, its processors and its stores. One record at a time.
 *
 * Invariant: a commit covers exactly the records whose effects have been handed to the collector; it is made between records.
 */
export class StreamTask {
  readonly id: string
  readonly input: TaskInput
  readonly #queues = new RecordQueues()
  readonly #graph: TaskGraph
  readonly #stores: ReadonlyMap<string, StateStore>
  /** By topic (a task reads one partition of each): what a commit would say. */
  readonly #progress = new Map<string, { offset: number; leaderEpoch: number; time: number; fetched: number }>()
  #streamTime = -1
  #needsCommit = false

  constructor({ input, subtopology, applicationId, stores, collector }: StreamTaskOptions) {
    this.id = input.taskId
    this.input = input
    this.#stores = stores
    this.#graph = new TaskGraph({
      subtopology,
      taskId: input.taskId,
      applicationId,
      stores,
      collector,
      streamTime: () => this.#streamTime,
    })
  }

  /** Takes what was fetched of one of its partitions. A record with a negative timestamp is passed over (streams facts 2.36). */
  add({ topic, partition, records, nextOffset, leaderEpoch }: PartitionBatch): void {
    const source = this.#graph.sourceOf(topic)!
    for (const record of records) {
      if (record.timestamp < 0) continue
      const { key, value, offset, timestamp, headers } = record
      this.#queues.add({
        topic,
        partition,
        offset,
        record: {
          key: key && source.key.deserialize(key, { topic, part: 'key' }),
          value: value && source.value.deserialize(value, { topic, part: 'value' }),
          timestamp,
          headers,
        },
      })
    }
    const before = this.#progress.get(topic)
    this.#progress.set(topic, {
      offset: before?.offset ?? -1,
      time: before?.time ?? -1,
      leaderEpoch,
      fetched: nextOffset,
    })
    // Offsets that nobody sees (markers, holes) are progress too.
    if (this.#queues.waiting(topic, partition) === 0) this.#advance(topic, nextOffset, -1)
  }

  /** Records of one of its partitions that wait. */
  waiting(topic: string): number {
    return this.#queues.waiting(topic, this.input.partition)
  }

  get hasWork(): boolean {
    return this.#queues.length > 0
  }

  get needsCommit(): boolean {
    return this.#needsCommit
  }

  /** Processes up to `limit` records; a promise only when a callback waits. */
  process(limit: number): Done {
    for (let i = 0; i < limit; i++) {
      const next = this.#queues.next()
      if (!next) return
      this.#streamTime = Math.max(this.#streamTime, next.record.timestamp)
      const source = this.#graph.sourceOf(next.topic) as SourceSpec
      const waiting = this.#graph.process(source, next.record)
      if (waiting) {
        return waiting.then(() => {
          this.#done(next.topic, next.offset, next.record.timestamp)
          return this.process(limit - i - 1)
        })
      }
      this.#done(next.topic, next.offset, next.record.timestamp)
    }
  }

  #done(topic: string, offset: number, timestamp: number): void {
    // Once the queue is empty the position skips what nobody sees behind the last record (streams facts 2.35).
    const empty = this.#queues.waiting(topic, this.input.partition) === 0
    this.#advance(topic, empty ? this.#progress.get(topic)!.fetched : offset + 1, timestamp)
  }

  #advance(topic: string, offset: number, timestamp: number): void {
    const progress = this.#progress.get(topic)!
    if (offset <= progress.offset) return
    progress.offset = offset
    progress.time = Math.max(progress.time, timestamp)
    this.#needsCommit = true
  }

  /** What has been processed since the last commit, with the partition's time. */
  offsetsToCommit(): OffsetToCommit[] {
    return Array.from(this.#progress, ([topic, { offset, leaderEpoch, time }]) => ({
      topic,
      partition: this.input.partition,
      offset,
      leaderEpoch,
      metadata: encodePartitionTime(time),
    })).filter(({ offset }) => offset >= 0)
  }

  committed(): void {
    this.#needsCommit = false
  }

  close(): void {
    this.#graph.close()
    for (const store of this.#stores.values()) store.close()
  }
}
