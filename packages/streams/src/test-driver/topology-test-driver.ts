import type { Serde } from '@odradek/client'
import { UsageError } from '@odradek/protocol'
import { type ErrorOptions, errorPolicy, mustBeHandlers, quiet } from '../handlers/handlers.ts'
import { mustBeKnown } from '../known-names.ts'
import type { Cancellable, Punctuation } from '../processor.ts'
import { type Done, noHeaders } from '../record.ts'
import { changelogOf, type StateStore } from '../state/state-store.ts'
import type { TimestampedKeyValueStore } from '../state/stores.ts'
import type { Collector, OutgoingRecord } from '../task/collector.ts'
import { Punctuations } from '../task/punctuations.ts'
import { TaskGraph } from '../task/task-graph.ts'
import { topicName } from '../topology/node-spec.ts'
import type { Topology } from '../topology/topology.ts'
import { TestInput, type TestInputOptions, TestOutput } from './test-topics.ts'

export interface TestDriverOptions extends ErrorOptions {
  /** Default 'test'. */
  applicationId?: string
  /** Of the wall clock. Default 0. */
  startAt?: number
}

const known: Record<keyof TestDriverOptions, true> = {
  ...{ applicationId: true, startAt: true },
  ...{ handlers: true, deadLetterTopic: true, logger: true },
}

/**
 * Runs a topology without a broker, a thread or a clock but the one given: a record piped in is processed to the end, through
 * repartition topics too, before `pipe` is done. Every topic has one partition.
 *
 *     const driver = new TopologyTestDriver(builder.build())
 *     const lines = driver.input('lines', serde.string, serde.string)
 *     const counts = driver.output('counts', serde.string, serde.int64)
 *     await lines.pipe(null, 'a b a', 1000)
 *     assert.deepEqual(counts.readPairs(), [['a', 1], ['b', 1], ['a', 2]])
 */
export class TopologyTestDriver {
  readonly #graphs: TaskGraph[]
  readonly #stores = new Map<string, StateStore>()
  readonly #outputs = new Map<string, OutgoingRecord[]>()
  readonly #pending: OutgoingRecord[] = []
  readonly #offsets = new Map<string, number>()
  /** Largest timestamp by topic: each has one partition. */
  readonly #partitionTimes = new Map<string, number>()
  readonly #punctuations = new Punctuations()
  #streamTime = -1
  #systemTime: number
  #dropped = 0
  #running: Promise<void> = Promise.resolve()

  constructor(topology: Topology, options: TestDriverOptions = {}) {
    mustBeKnown('setting of the test driver', options, known)
    mustBeHandlers(options.handlers)
    const { applicationId = 'test', startAt = 0 } = options
    this.#systemTime = startAt
    const collector: Collector = { send: record => this.#send(record), partitionsOf: () => 1 }
    this.#graphs = [...topology.globals(), ...topology.subtopologies()].map(subtopology => {
      for (const spec of subtopology.stores) {
        const topic = topicName({ name: changelogOf(spec), internal: true }, applicationId)
        const log = (key: Uint8Array, value: Uint8Array | null, timestamp: number) =>
          this.#send({ topic, partition: 0, key, value, timestamp, headers: noHeaders })
        const store = spec.make({
          taskId: `${subtopology.id}_0`,
          log: spec.changelog && log,
          disk: null,
          defaultKind: 'memory',
          cache: null,
          current: () => ({ headers: noHeaders, metadata: undefined }),
        })
        this.#stores.set(spec.name, store)
      }
      return new TaskGraph({
        subtopology,
        taskId: `${subtopology.id}_0`,
        applicationId,
        stores: this.#stores,
        collector,
        host: this.#host(),
        errors: errorPolicy({ logger: quiet, ...options }),
      })
    })
  }

  /** A topic to pipe records into. Throws UsageError when no source reads it. */
  input<K, V>(topic: string, key: Serde<K>, value: Serde<V>, options: TestInputOptions = {}): TestInput<K, V> {
    if (!this.#graphs.some(graph => graph.reads(topic)))
      throw new UsageError(`No source of the topology reads '${topic}'.`)
    const deliver = (record: OutgoingRecord) => this.#inTurn(() => this.#deliver(record))
    return new TestInput({ topic, key, value, options, deliver, systemTime: () => this.#systemTime })
  }

  /** What the topology has written to a topic, since it was last read. */
  output<K, V>(topic: string, key: Serde<K>, value: Serde<V>): TestOutput<K, V> {
    return new TestOutput({ topic, key, value, written: () => this.#outputs.get(topic) ?? [] })
  }

  /** Moves the wall clock on, and runs the punctuations that this makes due. */
  advanceWallClock(ms: number): Promise<void> {
    return this.#inTurn(async () => {
      this.#systemTime += ms
      await this.#punctuations.wallClock(this.#systemTime)
    })
  }

  keyValueStore<K, V>(name: string): TimestampedKeyValueStore<K, V> {
    return this.store(name)
  }

  /** Any store of the topology, to look at or to fill. */
  store<S extends StateStore>(name: string): S {
    const store = this.#stores.get(name)
    if (!store)
      throw new UsageError(`There is no store '${name}'. There are: ${[...this.#stores.keys()].join(', ') || 'none'}.`)
    return store as S
  }

  /** Topics that were written to and not read since. */
  get producedTopics(): string[] {
    return [...this.#outputs].filter(([, records]) => records.length > 0).map(([topic]) => topic)
  }

  /** Records that were passed over: too late, without a key, … */
  get droppedRecords(): number {
    return this.#dropped
  }

  close(): void {
    for (const graph of this.#graphs) graph.close()
    for (const store of this.#stores.values()) store.close()
  }

  #host() {
    const driver = this
    return {
      get streamTime() {
        return driver.#streamTime
      },
      get systemTime() {
        return driver.#systemTime
      },
      emitIntervalMs: 0,
      progress: new Map<string, number>(),
      schedule: (punctuation: Punctuation, punctuate: (timestamp: number) => Done): Cancellable =>
        this.#punctuations.schedule(punctuation, this.#systemTime, punctuate),
      requestCommit: () => {}, // every record is followed by one
      dropped: () => void this.#dropped++,
    }
  }

  /** One thing after the other, however many are not awaited; each to the end, through every topic that is written and read. */
  #inTurn(begin: () => Promise<void>): Promise<void> {
    const run = async () => {
      await begin()
      for (;;) {
        for (const store of this.#stores.values()) await store.flush?.()
        const next = this.#pending.shift()
        if (!next) return
        await this.#deliver(next)
      }
    }
    const done = this.#running.then(run)
    this.#running = done.catch(() => {})
    return done
  }

  #send(record: OutgoingRecord): void {
    const written = this.#outputs.get(record.topic)
    if (written) written.push(record)
    else this.#outputs.set(record.topic, [record])
    if (this.#graphs.some(graph => graph.reads(record.topic))) this.#pending.push(record)
  }

  async #deliver({ topic, key, value, timestamp: ownTime, headers }: OutgoingRecord): Promise<void> {
    const offset = this.#offsets.get(topic) ?? 0
    this.#offsets.set(topic, offset + 1)
    const place = { topic, partition: 0, offset }
    const raw = { key, value, timestamp: ownTime, headers }
    for (const graph of this.#graphs) {
      if (!graph.reads(topic)) continue
      const partitionTime = this.#partitionTimes.get(topic) ?? -1
      const timestamp = graph.timeOf(topic)?.(raw, place, partitionTime) ?? ownTime
      if (timestamp < 0) {
        this.#dropped++
        continue
      }
      this.#partitionTimes.set(topic, Math.max(partitionTime, timestamp))
      this.#streamTime = Math.max(this.#streamTime, timestamp)
      await graph.process({ ...raw, timestamp }, place)
    }
    await this.#punctuations.streamTime(this.#streamTime)
  }
}
