import { type ConsumerEngine, keyOf, type PartitionBatch, type TopicPartition, UsageError } from '@odradek/client'
import type { ErrorPolicy } from '../handlers/handlers.ts'
import { type Done, noHeaders } from '../record.ts'
import type { StateStore } from '../state/state-store.ts'
import type { Collector } from '../task/collector.ts'
import { TaskGraph } from '../task/task-graph.ts'
import type { GlobalStoreSpec, Subtopology } from '../topology/subtopology.ts'

export interface GlobalStoresOptions {
  /** Those of the topology that fill global stores. */
  subtopologies: readonly Subtopology[]
  applicationId: string
  /** No group, from the earliest offset. It belongs to this. */
  engine: ConsumerEngine
  errors: ErrorPolicy
  now(): number
}

interface Filled {
  readonly spec: GlobalStoreSpec
  readonly store: StateStore
  readonly graph: TaskGraph
}

/**
 * Stores that every instance has whole, of all partitions of a topic. They are filled to the ends that the topics have at the start
 * before any task begins, then followed, without regard to the times of streams (streams facts 2.43). Kept in memory: the topic is
 * read anew at every start.
 */
export class GlobalStores {
  readonly stores: ReadonlyMap<string, StateStore>
  readonly #options: GlobalStoresOptions
  readonly #byTopic = new Map<string, Filled>()
  #isLoaded = false

  constructor(options: GlobalStoresOptions) {
    this.#options = options
    const stores = new Map<string, StateStore>()
    this.stores = stores
    for (const subtopology of options.subtopologies) {
      const spec = subtopology.global!
      const filled = { spec, store: makeStore(spec), graph: undefined as unknown as TaskGraph }
      stores.set(spec.store.name, filled.store)
      filled.graph = this.#graphOf(subtopology)
      this.#byTopic.set(spec.topic, filled)
    }
  }

  /** Resolves when everything is there that was in the topics when this was called. */
  async load(signal: AbortSignal): Promise<void> {
    const { engine } = this.#options
    if (this.#byTopic.size === 0) return
    const partitions: TopicPartition[] = []
    for (const [topic, { spec }] of this.#byTopic) partitions.push(...(await this.#partitionsOf(topic, spec, signal)))
    const ends = await engine.offsetsFor(partitions, 'latest', { signal })
    engine.assign(partitions)
    const missing = new Map(partitions.map((at, i) => [keyOf(at), { at, end: ends[i] ?? 0 }]))
    for (;;) {
      for (const [key, { at, end }] of missing) if (end === 0 || (engine.position(at) ?? 0) >= end) missing.delete(key)
      if (missing.size === 0) break
      signal.throwIfAborted()
      await this.#take(await engine.poll(100, { maxRecords: 10_000, signal }))
    }
    this.#isLoaded = true
  }

  /** Takes what has come since, without waiting. */
  async step(signal: AbortSignal): Promise<void> {
    if (!this.#isLoaded) return
    await this.#take(await this.#options.engine.poll(0, { maxRecords: 1_000, signal }))
  }

  async close(): Promise<void> {
    await this.#options.engine.close()
    for (const { graph, store } of this.#byTopic.values()) {
      graph.close()
      store.close()
    }
  }

  async #partitionsOf(topic: string, spec: GlobalStoreSpec, signal: AbortSignal): Promise<TopicPartition[]> {
    const width = await this.#options.engine.partitionsOf(topic, { signal })
    if (width === 0)
      throw new UsageError(
        `Topic '${topic}' of global store '${spec.store.name}' does not exist. Create it before the application starts: odradek topic create ${topic}`,
      )
    return Array.from({ length: width }, (_, partition) => ({ topic, partition }))
  }

  async #take(batches: readonly PartitionBatch[]): Promise<void> {
    for (const batch of batches) {
      const { spec, store, graph } = this.#byTopic.get(batch.topic)!
      if (spec.restore === 'bytes' && !this.#isLoaded) fill(store, batch)
      else await processAll(graph, batch)
    }
  }

  #graphOf(subtopology: Subtopology): TaskGraph {
    const { applicationId, errors, now } = this.#options
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
      dropped: () => {},
    }
    const taskId = `${subtopology.id}_global`
    const options = { subtopology, taskId, applicationId, stores: this.stores, collector: nowhere, host, errors }
    return new TaskGraph(options)
  }
}

const nowhere: Collector = {
  send: () => {
    throw new UsageError(
      'A processor that fills a global store forwards nothing, and no dead letters are written for it.',
    )
  },
  partitionsOf: () => 0,
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

async function processAll(graph: TaskGraph, { topic, partition, records }: PartitionBatch): Promise<void> {
  for (const record of records) {
    const waiting: Done = graph.process(record, { topic, partition, offset: record.offset })
    if (waiting) await waiting
  }
}
