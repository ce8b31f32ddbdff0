import type { OffsetToCommit, PartitionBatch, TopicPartition } from '@odradek/client'
import type { ErrorPolicy } from '../handlers/handlers.ts'
import { type Cancellable, inTurn, type Punctuation } from '../processor.ts'
import type { Done, RecordMetadata } from '../record.ts'
import { decodePartitionTime, decodeProgress, encodePartitionTime } from '../runtime/partition-time.ts'
import type { TaskInput } from '../runtime/task-assignor.ts'
import type { CurrentRecord, StateStore } from '../state/state-store.ts'
import type { TimestampExtractor } from '../topology/node-spec.ts'
import type { Subtopology } from '../topology/topology.ts'
import type { Collector } from './collector.ts'
import { Punctuations } from './punctuations.ts'
import { type HeadRecord, RecordQueues } from './record-queues.ts'
import { TaskGraph, type TaskGraphOptions, type Unsettled } from './task-graph.ts'
import type { TaskHost } from './task-host.ts'

export interface StreamTaskOptions {
  input: TaskInput
  subtopology: Subtopology
  applicationId: string
  stores: ReadonlyMap<string, StateStore>
  /** Stores that are not the task's, and that every processor may read. */
  globals?: ReadonlyMap<string, StateStore>
  collector: Collector
  errors?: ErrorPolicy
  timestampOf?: TimestampExtractor | undefined
  /** What earlier commits said, by topic. */
  committed: ReadonlyMap<string, CommittedInput>
  watch?: TaskGraphOptions['watch']
  /** Told of each record that is passed over. */
  onDropped?: ((taskId: string, node: string, reason: string, place: RecordMetadata | undefined) => void) | undefined
  /** The clock's time. */
  now(): number
}

/** An offset, with what was kept beside it (streams facts 2.30). */
export interface CommittedInput {
  readonly offset: number
  readonly metadata: string | null
}

interface InputProgress {
  offset: number
  leaderEpoch: number
  time: number
  committed: number
}

/**
 * A sub-topology at work on one partition: its input queues, its processors and its stores. One record, or one punctuation, at a time.
 *
 * Invariant: a commit covers exactly the records whose effects have been handed to the collector; it is made between records.
 */
export class StreamTask implements TaskHost {
  readonly id: string
  readonly stores: ReadonlyMap<string, StateStore>
  readonly #queues = new RecordQueues()
  readonly #graph: TaskGraph
  /** By topic: a task reads one partition of each. */
  readonly #inputs = new Map<string, InputProgress>()
  readonly progress = new Map<string, number>()
  readonly #punctuations = new Punctuations()
  readonly #now: () => number
  readonly #onDropped: StreamTaskOptions['onDropped']
  #input: TaskInput
  #streamTime = -1
  #wantsCommit = false
  /** Something was done that no offset tells of. */
  #hasPunctuated = false
  #dropped = 0
  /** How far behind stream time records were since the last `takeTimes`: together, and at most. */
  #lateMs = 0
  #latestMs = 0
  #lastTimestamp = -1
  #version = 0
  #committedVersion = 0

  constructor(options: StreamTaskOptions) {
    const { input, subtopology, applicationId, stores, collector, committed, errors, timestampOf, now } = options
    this.#now = now
    this.#onDropped = options.onDropped
    this.id = input.taskId
    this.#input = { ...input, inputs: [] }
    this.stores = stores
    for (const { topic } of input.inputs) this.#recall(topic, committed.get(topic))
    this.#graph = new TaskGraph({
      subtopology,
      taskId: input.taskId,
      applicationId,
      stores: options.globals?.size ? new Map([...options.globals, ...stores]) : stores,
      collector,
      host: this,
      errors,
      timestampOf,
      watch: options.watch,
    })
    for (const at of input.inputs) this.#open(at)
  }

  get input(): TaskInput {
    return this.#input
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

  /** Something was processed since the last commit. */
  get needsCommit(): boolean {
    return this.#version !== this.#committedVersion || this.#wantsCommit || this.#hasPunctuated
  }

  /** Records passed over since the task was made. */
  get droppedRecords(): number {
    return this.#dropped
  }

  /** Of the records since the last call, for metrics. */
  takeTimes(): { lateMs: number; latestMs: number; lastTimestamp: number } {
    const times = { lateMs: this.#lateMs, latestMs: this.#latestMs, lastTimestamp: this.#lastTimestamp }
    this.#lateMs = 0
    this.#latestMs = 0
    return times
  }

  /** Of the record that is being processed. */
  get current(): CurrentRecord {
    return this.#graph.current
  }

  schedule(punctuation: Punctuation, punctuate: (timestamp: number) => Done): Cancellable {
    return this.#punctuations.schedule(punctuation, this.#now(), punctuate)
  }

  requestCommit(): void {
    this.#wantsCommit = true
  }

  dropped(node: string, reason: string, place: RecordMetadata | undefined): void {
    this.#dropped++
    this.#onDropped?.(this.id, node, reason, place)
  }

  get waitsFor(): Unsettled | undefined {
    return this.#graph.waitsFor
  }

  /** A topic that matches an expression has come into being: one partition of it is this task's. */
  addInput(at: TopicPartition, committed: CommittedInput | undefined): void {
    this.#recall(at.topic, committed)
    this.#open(at)
  }

  /** Takes what was fetched of one of its partitions. */
  add(batch: PartitionBatch): void {
    this.#queues.add(batch)
  }

  /** Records of one of its partitions that wait. */
  waiting(topic: string): number {
    return this.#queues.waiting(topic)
  }

  /** Records that wait, of all its partitions. */
  get queued(): number {
    return this.#queues.length
  }

  get hasWork(): boolean {
    return this.#queues.length > 0
  }

  get hasEmptyInput(): boolean {
    return this.#queues.hasEmpty
  }

  /** Inputs of which nothing waits while others have records: which is next cannot be told for certain. */
  emptyInputs(): TopicPartition[] {
    const empty = this.#queues.empty()
    return this.#input.inputs.filter(({ topic }) => empty.includes(topic))
  }

  /**
   * Processes up to `limit` records. A promise only when a callback waits; then `mustStop` is asked after each record, so that slow
   * callbacks do not keep the rebalance waiting for a whole turn. Stops early when a processor asks for a commit, and where the choice
   * of the next record has become uncertain.
   */
  process(limit: number, mustStop: () => boolean, mayGoOn: () => boolean = always): Done {
    for (let left = limit; left > 0; left--) {
      const head = this.#queues.next()
      if (!head) return
      const waiting = this.#process(head)
      if (waiting)
        return this.#processRest(waiting, head, left - 1, () => mustStop() || (this.#queues.hasEmpty && !mayGoOn()))
      this.#advance(head)
      if (this.#punctuations.isDueByStreamTime(this.#streamTime)) {
        const punctuating = this.#punctuateByStreamTime()
        if (punctuating) return punctuating
      }
      if (this.#wantsCommit || (this.#queues.hasEmpty && !mayGoOn())) return
    }
  }

  async #processRest(waiting: Promise<void>, head: HeadRecord, limit: number, mustStop: () => boolean): Promise<void> {
    await waiting
    this.#advance(head)
    await this.#punctuateByStreamTime()
    for (let left = limit; left > 0 && !this.#wantsCommit && !mustStop(); left--) {
      const next = this.#queues.next()
      if (!next) return
      await this.#process(next)
      this.#advance(next)
      await this.#punctuateByStreamTime()
    }
  }

  /** When something is due by wall clock. */
  get nextPunctuation(): number {
    return this.#punctuations.nextWallClock
  }

  /** Runs what is due by wall clock (streams facts 2.37). */
  punctuate(now: number): Done {
    return this.#ran(this.#punctuations.wallClock(now))
  }

  #punctuateByStreamTime(): Done {
    return this.#ran(this.#punctuations.streamTime(this.#streamTime))
  }

  #ran(ran: boolean | Promise<boolean>): Done {
    if (typeof ran !== 'boolean') return ran.then(has => this.#ran(has))
    if (ran) this.#hasPunctuated = true
  }

  /** A record with a negative timestamp is passed over (streams facts 2.36). */
  #process({ topic, partition, record, timestamp }: HeadRecord): Done {
    if (timestamp < 0) return this.dropped(topic, 'negative timestamp', { topic, partition, offset: record.offset })
    if (timestamp >= this.#streamTime) this.#streamTime = timestamp
    else this.#behind(this.#streamTime - timestamp)
    this.#lastTimestamp = timestamp
    const raw = timestamp === record.timestamp ? record : retimed(record, timestamp)
    return this.#graph.process(raw, { topic, partition, offset: record.offset })
  }

  #behind(ms: number): void {
    this.#lateMs += ms
    if (ms > this.#latestMs) this.#latestMs = ms
  }

  #advance({ topic, timestamp, next, leaderEpoch }: HeadRecord): void {
    const progress = this.#inputs.get(topic)!
    progress.offset = next
    progress.leaderEpoch = leaderEpoch
    if (timestamp > progress.time) progress.time = timestamp
    this.#version++
  }

  /** Before a commit: what caches have held back is handed on, children's caches after their parents' (streams facts 2.31). */
  flush(): Done {
    const waiting = inTurn(this.stores.values(), store => store.flush?.())
    return waiting ? waiting.then(() => this.#flushRest()) : this.#flushRest()
  }

  /** What one store handed on may have been put into one that was flushed before. */
  #flushRest(): Done {
    for (const store of this.stores.values()) if (store.holdsBack) return this.flush()
  }

  /**
   * What has been processed since the last commit, with each partition's time. Where nothing waits it is the consumer's position,
   * which skips what nobody sees behind the last record (streams facts 2.35); it is lower than before where the log was made anew.
   */
  offsetsToCommit(positionOf: (at: TopicPartition) => number | undefined): OffsetToCommit[] {
    const due: OffsetToCommit[] = []
    for (const at of this.#input.inputs) {
      const { offset: processed, committed, time, leaderEpoch } = this.#inputs.get(at.topic)!
      const position = this.waiting(at.topic) === 0 ? positionOf(at) : undefined
      const offset = position ?? processed
      if (offset < 0 || offset === committed) continue
      due.push({ ...at, offset, leaderEpoch, metadata: encodePartitionTime(time, this.progress) })
    }
    return due
  }

  committed(offsets: readonly OffsetToCommit[]): void {
    this.#wantsCommit = false
    this.#hasPunctuated = false
    this.#committedVersion = this.#version
    for (const { topic, offset } of offsets) this.#inputs.get(topic)!.committed = offset
  }

  /** The stores stay: they belong to whoever made them. */
  close(): void {
    this.#graph.close()
  }

  #recall(topic: string, committed: CommittedInput | undefined): void {
    const time = committed ? decodePartitionTime(committed.metadata) : -1
    this.#inputs.set(topic, { offset: -1, leaderEpoch: -1, time, committed: committed?.offset ?? -1 })
    this.#streamTime = Math.max(this.#streamTime, time)
    for (const [name, value] of decodeProgress(committed?.metadata ?? null))
      this.progress.set(name, Math.max(value, this.progress.get(name) ?? value))
  }

  #open(at: TopicPartition): void {
    this.#input = { ...this.#input, inputs: [...this.#input.inputs, at] }
    const timeOf = this.#graph.timeOf(at.topic)
    const { time } = this.#inputs.get(at.topic)!
    this.#queues.open(at.topic, {
      partitionTime: time,
      timeOf: timeOf && ((record, batch, time) => timeOf(record, { ...placeOf(batch), offset: record.offset }, time)),
    })
  }
}

const always = () => true
const placeOf = ({ topic, partition }: TopicPartition) => ({ topic, partition })
const retimed = ({ key, value, headers }: HeadRecord['record'], timestamp: number) => ({
  key,
  value,
  headers,
  timestamp,
})
