import {
  type ConsumerEngine,
  type EngineHooks,
  type PartitionBatch,
  type TopicPartition,
  UsageError,
} from '@odradek/client'
import type { ErrorPolicy } from '../handlers/handlers.ts'
import { type Done, noHeaders, type RecordMetadata } from '../record.ts'
import type { StateStore } from '../state/state-store.ts'
import { StreamsError } from '../streams-error.ts'
import type { StreamTaskOptions } from '../task/stream-task.ts'
import { TaskGraph } from '../task/task-graph.ts'
import type { GlobalStoreSpec, Subtopology } from '../topology/subtopology.ts'
import type { GlobalDeadLetters } from './global-dead-letters.ts'
import { LostPositions } from './lost-positions.ts'
import { mostAttempts } from './restorer.ts'
import { type Patience, withinTime } from './task-timeout.ts'
import { untilAborted } from './until-aborted.ts'

export interface GlobalStoresOptions {
  /** Those of the topology that fill global stores. */
  subtopologies: readonly Subtopology[]
  applicationId: string
  /** Makes what reads: no group, from the earliest offset, with these hooks. It belongs to this. */
  engine(hooks: EngineHooks): ConsumerEngine
  /** The id of a topic, as far as it is known without asking. */
  knownIdOf(topic: string): string | undefined
  errors: ErrorPolicy
  deadLetters: GlobalDeadLetters
  /** How long a callback may take. */
  patience: Patience
  /** A record is passed over. */
  onDropped: NonNullable<StreamTaskOptions['onDropped']>
  now(): number
}

/** A store on its way to the ends that its topic had when it was begun. */
interface Filling {
  readonly subtopology: Subtopology
  readonly spec: GlobalStoreSpec
  readonly store: StateStore
  readonly graph: TaskGraph
  readonly partitions: readonly TopicPartition[]
  /** Offsets to be reached, of partitions that are not there yet. */
  readonly missing: Map<TopicPartition, number>
  /** How often the topic was cut before a store was full. */
  attempts: number
}

/**
 * Stores that every instance has whole, of all partitions of a topic. They are filled to the ends that the topics have at the start
 * before any task begins, then followed, without regard to the times of streams (streams facts 2.43). Kept in memory: the topic is
 * read anew at every start.
 *
 * When a topic cannot be followed any more, being cut or made anew, another store is filled from what there is now. Until it is full the
 * one that is there goes on being read; then it is replaced, and `step` says so.
 */
export class GlobalStores {
  readonly #options: GlobalStoresOptions
  readonly #engine: ConsumerEngine
  readonly #positions: LostPositions
  readonly #stores = new Map<string, StateStore>()
  readonly #byTopic = new Map<string, Filling>()

  constructor(options: GlobalStoresOptions) {
    this.#options = options
    this.#positions = new LostPositions(topic => options.knownIdOf(topic))
    this.#engine = options.engine(this.#positions.hooks)
  }

  /** Those that are full. */
  get stores(): ReadonlyMap<string, StateStore> {
    return this.#stores
  }

  /** Resolves when everything is there that was in the topics when this was called. */
  async load(signal: AbortSignal): Promise<void> {
    const { subtopologies } = this.#options
    for (const subtopology of subtopologies) await this.#begin(subtopology, 0, signal)
    while (this.#stores.size < subtopologies.length) {
      signal.throwIfAborted()
      await this.#take(100, 10_000, signal)
    }
  }

  /** Takes what has come since, without waiting. True: a store was replaced, and whoever holds on to the former must let go of it. */
  async step(signal: AbortSignal): Promise<boolean> {
    return this.#byTopic.size > 0 && (await this.#take(0, 1_000, signal))
  }

  /** Dead letters that are on their way are waited for. Throws when one could not be written. */
  settle(): Promise<void> {
    return this.#options.deadLetters.settle()
  }

  async close(): Promise<void> {
    await this.#engine.close()
    await this.#options.deadLetters.close()
    for (const store of this.#stores.values()) store.close()
    for (const { graph, store } of this.#byTopic.values()) {
      graph.close()
      store.close()
    }
  }

  async #begin(subtopology: Subtopology, attempts: number, signal: AbortSignal): Promise<void> {
    const spec = subtopology.global!
    const partitions = await this.#partitionsOf(spec, signal)
    const ends = await this.#engine.offsetsFor(partitions, 'latest', { signal })
    const missing = new Map(partitions.map((at, i) => [at, ends[i] ?? 0]))
    const store = makeStore(spec)
    const graph = this.#graphOf(subtopology, store)
    const former = this.#byTopic.get(spec.topic)
    former?.graph.close()
    if (former?.missing.size) former.store.close()
    this.#byTopic.set(spec.topic, { subtopology, spec, store, graph, partitions, missing, attempts })
    this.#engine.assign([...this.#byTopic.values()].flatMap(({ partitions }) => partitions))
    for (const at of partitions) {
      this.#engine.seek(at, 'earliest')
      this.#positions.began(at)
    }
  }

  async #partitionsOf({ topic, store }: GlobalStoreSpec, signal: AbortSignal): Promise<TopicPartition[]> {
    const width = await this.#engine.partitionsOf(topic, { signal })
    if (width === 0)
      throw new UsageError(
        `Topic '${topic}' of global store '${store.name}' does not exist. Create it before the application starts: odradek topic create ${topic}`,
      )
    return Array.from({ length: width }, (_, partition) => ({ topic, partition }))
  }

  async #take(maxMs: number, maxRecords: number, signal: AbortSignal): Promise<boolean> {
    const batches = await this.#engine.poll(maxMs, { maxRecords, signal })
    const anew = await this.#beginAnew(signal)
    for (const batch of batches) {
      const { spec, store, graph, missing } = this.#byTopic.get(batch.topic)!
      if (anew.has(batch.topic)) continue
      if (spec.restore === 'bytes' && missing.size > 0) fill(store, batch)
      else await this.#processAll(graph, batch, signal)
    }
    this.#options.deadLetters.check()
    return this.#finish()
  }

  /** Of topics that cannot be followed any more. Answers which. */
  async #beginAnew(signal: AbortSignal): Promise<Set<string>> {
    const anew = new Set<string>()
    for (const { subtopology, spec, partitions, missing, attempts } of [...this.#byTopic.values()]) {
      const lost = partitions.find(at => this.#positions.reasonOf(at) !== undefined)
      if (lost === undefined) continue
      const reason = this.#positions.reasonOf(lost)!
      const { topic, store } = spec
      this.#options.errors.logger.warn(
        { store: store.name, ...lost, reason },
        'The topic of a global store cannot be followed any more; the store is filled anew from what there is.',
      )
      const inARow = missing.size > 0 ? attempts + 1 : 1
      if (inARow >= mostAttempts) throw cutAgain(spec, lost, reason)
      await this.#begin(subtopology, inARow, signal)
      anew.add(topic)
    }
    return anew
  }

  async #processAll(
    graph: TaskGraph,
    { topic, partition, records }: PartitionBatch,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, timeoutMs } = this.#options.patience
    for (const record of records) {
      const waiting: Done = graph.process(record, { topic, partition, offset: record.offset })
      if (waiting) await untilAborted(withinTime(waiting, graph, clock, timeoutMs), signal)
    }
  }

  /** Puts stores that are full in their places. */
  #finish(): boolean {
    let hasReplaced = false
    for (const { spec, store, missing } of this.#byTopic.values()) {
      const { name } = spec.store
      for (const [at, end] of missing) if (end === 0 || (this.#engine.position(at) ?? 0) >= end) missing.delete(at)
      const former = this.#stores.get(name)
      if (missing.size > 0 || former === store) continue
      this.#stores.set(name, store)
      former?.close()
      hasReplaced ||= former !== undefined
    }
    return hasReplaced
  }

  #graphOf(subtopology: Subtopology, store: StateStore): TaskGraph {
    const { applicationId, errors, deadLetters, onDropped, now } = this.#options
    const taskId = `${subtopology.id}_global`
    const host = {
      streamTime: -1,
      get systemTime() {
        return now()
      },
      progress: new Map<string, number>(),
      schedule: () => {
        throw new UsageError('A processor that fills a global store has no punctuations.')
      },
      requestCommit: () => {},
      dropped: (node: string, reason: string, place: RecordMetadata | undefined) =>
        onDropped(taskId, node, reason, place),
    }
    const stores = new Map([...this.#stores, [store.name, store]])
    return new TaskGraph({ subtopology, taskId, applicationId, stores, collector: deadLetters, host, errors })
  }
}

const makeStore = ({ store }: GlobalStoreSpec): StateStore =>
  store.make({
    ...{ taskId: 'global', log: null, disk: null, defaultKind: 'memory' as const, cache: null },
    current: () => ({ headers: noHeaders, metadata: undefined }),
  })

function fill(store: StateStore, { records }: PartitionBatch): void {
  if (store.restoreBatch) store.restoreBatch(records)
  else for (const { key, value, timestamp } of records) if (key !== null) store.restore(key, value, timestamp)
}

function cutAgain({ store }: GlobalStoreSpec, lost: TopicPartition, reason: string): StreamsError {
  const { topic, partition } = lost
  return new StreamsError(
    'RESTORATION',
    `Global store '${store.name}' cannot be filled: ${topic}-${partition} was cut ${mostAttempts} times while it was read, at last because ` +
      `${reason}. Is its retention shorter than reading it takes?`,
    { topic, partition, node: store.name },
  )
}
