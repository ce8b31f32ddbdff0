import { TransactionError } from '@odradek/client'
import { UsageError } from '@odradek/protocol'
import { ErrorDesk, failing, noRecord, type Origin } from '../handlers/error-desk.ts'
import type { ErrorPolicy } from '../handlers/handlers.ts'
import { type Processor, type ProcessorContext, whenSettled } from '../processor.ts'
import {
  type Done,
  isNothing,
  noHeaders,
  type RecordHeaders,
  type RecordMetadata,
  type StreamRecord,
} from '../record.ts'
import type { CurrentRecord, StateStore } from '../state/state-store.ts'
import { nodeFailed, StreamsError } from '../streams-error.ts'
import {
  type NodeSpec,
  type ProcessorSpec,
  type SinkSpec,
  type SourceSpec,
  type TimestampExtractor,
  type TopicChoice,
  topicName,
} from '../topology/node-spec.ts'
import type { Subtopology } from '../topology/topology.ts'
import type { Collector, OutgoingRecord } from './collector.ts'
import { inOrder, type Step } from './step.ts'
import type { TaskHost } from './task-host.ts'

export interface TaskGraphOptions {
  subtopology: Subtopology
  taskId: string
  applicationId: string
  stores: ReadonlyMap<string, StateStore>
  collector: Collector
  host: TaskHost
  /** What to do with records that fail. Default: the first ends whoever runs the task. */
  errors?: ErrorPolicy | undefined
  /** Puts something around the step of a node: a measurement. */
  watch?: ((taskId: string, node: string, step: Step) => Step) | undefined
  /** Of sources that have no extractor of their own. Default: the record's own time. */
  timestampOf?: TimestampExtractor | undefined
}

/** A record as it comes from a topic. */
export interface RawRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly timestamp: number
  readonly headers: RecordHeaders
}

/** A callback that has not settled, and the record it was given; undefined in a punctuation. */
export interface Unsettled {
  readonly taskId: string
  readonly node: string
  readonly place: RecordMetadata | undefined
}

interface RunningSource {
  readonly spec: SourceSpec
  readonly below: Step
}

const nothing: RawRecord = { key: null, value: null, timestamp: -1, headers: noHeaders }

/**
 * One task's running copy of a sub-topology: processors wired to their children, sources by topic. Whatever throws or rejects in a node
 * is for the application's handlers; what they do not pass over comes out as one StreamsError that names the node and the record. A
 * node that is passed over is left, its parents go on: they may have more to forward.
 */
export class TaskGraph {
  readonly #options: TaskGraphOptions
  /** Of the record that is being processed; undefined in a punctuation. */
  #place: RecordMetadata | undefined
  /** The same as it was read; in a punctuation only its time means something. */
  #raw: RawRecord = nothing
  readonly #desk: ErrorDesk
  /** Nodes whose callbacks have not settled yet. */
  readonly #waiting = new Set<string>()
  readonly #processors: Processor[] = []
  readonly #init = new Map<Processor, () => void>()
  readonly #children = new Map<string, [name: string, Step][]>()
  readonly #sources = new Map<string, RunningSource>()
  readonly #patterns: (RunningSource & { readonly pattern: RegExp })[] = []

  constructor(options: TaskGraphOptions) {
    this.#options = options
    const { collector, host, errors: policy = failing } = options
    this.#desk = new ErrorDesk({
      policy,
      send: letter => collector.send(letter),
      passedOver: ({ node }, reason) => host.dropped(node, reason, this.#place),
    })
    const { nodes } = options.subtopology
    // Children before parents, so that each finds its children's steps made.
    for (const node of [...nodes].reverse()) this.#build(node)
    for (const processor of this.#processors.reverse()) this.#init.get(processor)?.()
  }

  reads(topic: string): boolean {
    return this.#sourceOf(topic) !== undefined
  }

  /** What tells the time of a topic's records; undefined: they do themselves. */
  timeOf(topic: string): ((raw: RawRecord, place: RecordMetadata, partitionTime: number) => number) | undefined {
    const { spec } = this.#sourceOf(topic)!
    const timestampOf = spec.timestampOf ?? this.#options.timestampOf
    if (!timestampOf) return undefined
    return (raw, place, partitionTime) => {
      let record: StreamRecord<any, any>
      try {
        record = readRecord(spec, raw, topic)
      } catch {
        return raw.timestamp // told when it is processed, to the handler
      }
      try {
        return timeAnswered(timestampOf({ ...record, ...place }, partitionTime))
      } catch (cause) {
        throw nodeFailed('PROCESSING', cause, { node: spec.name, taskId: this.#options.taskId, place })
      }
    }
  }

  /** What is being processed, for caches and logs of stores. */
  get current(): CurrentRecord {
    return { timestamp: this.#raw.timestamp, headers: this.#raw.headers, metadata: this.#place }
  }

  /** Takes one record of a topic through everything below its source. */
  process(raw: RawRecord, place: RecordMetadata): Done {
    const source = this.#sources.get(place.topic) ?? this.#sourceOf(place.topic)!
    this.#place = place
    this.#raw = raw
    let record: StreamRecord<any, any>
    try {
      record = readRecord(source.spec, raw, place.topic)
    } catch (error) {
      return this.#desk.deserialization(error, this.#origin(source.spec.name))
    }
    return source.below(record)
  }

  /** Runs something that belongs to a node but to no record: a punctuation, at its time. */
  outsideRecord(node: string, timestamp: number, run: () => Done): Done {
    this.#place = undefined
    this.#raw = { ...nothing, timestamp }
    return this.#guarded(node, run)(undefined as never)
  }

  /** The node furthest down whose callback has not settled; above all of them a source, for which a handler is asked. */
  get waitsFor(): Unsettled | undefined {
    const node = this.#options.subtopology.nodes.findLast(({ name }) => this.#waiting.has(name))
    const name = node?.name ?? (this.#place && this.#sourceOf(this.#place.topic)?.spec.name)
    return name === undefined ? undefined : { taskId: this.#options.taskId, node: name, place: this.#place }
  }

  #origin(node: string): Origin {
    const { taskId } = this.#options
    const { key, value, timestamp, headers } = this.#raw
    if (!this.#place) return noRecord(node, taskId, timestamp, headers)
    return { node, taskId, ...this.#place, timestamp, headers, sourceKey: key, sourceValue: value }
  }

  close(): void {
    for (const processor of this.#processors) processor.close?.()
  }

  #build(node: NodeSpec): void {
    if (node.kind === 'source') {
      const source = { spec: node, below: inOrder((this.#children.get(node.name) ?? []).map(([, step]) => step)) }
      if (node.topics instanceof RegExp) this.#patterns.push({ ...source, pattern: node.topics })
      else for (const topic of node.topics) this.#sources.set(topicName(topic, this.#options.applicationId), source)
      return
    }
    const bare = this.#guarded(node.name, node.kind === 'sink' ? this.#sinkStep(node) : this.#processorStep(node))
    const step = this.#options.watch?.(this.#options.taskId, node.name, bare) ?? bare
    for (const parent of node.parents)
      this.#children.set(parent, [[node.name, step], ...(this.#children.get(parent) ?? [])])
  }

  /** A topic that an expression stands for is known from its first record on. */
  #sourceOf(topic: string): RunningSource | undefined {
    const known = this.#sources.get(topic)
    if (known) return known
    const source = this.#patterns.find(({ pattern }) => pattern.test(topic))
    if (source) this.#sources.set(topic, source)
    return source
  }

  #guarded(node: string, step: Step): Step {
    const failed = (error: unknown, record: StreamRecord<any, any>): Done => {
      if (error instanceof StreamsError || error instanceof TransactionError) throw error // no failure of this node
      return this.#desk.processing(error, this.#origin(node), record)
    }
    return record => {
      try {
        const waiting = step(record)
        return (
          waiting &&
          this.#awaited(
            node,
            waiting.catch(error => failed(error, record)),
          )
        )
      } catch (error) {
        const waiting = failed(error, record)
        return waiting && this.#awaited(node, waiting)
      }
    }
  }

  #awaited(node: string, waiting: Promise<void>): Promise<void> {
    this.#waiting.add(node)
    return waiting.finally(() => void this.#waiting.delete(node))
  }

  #sinkStep(sink: SinkSpec): Step {
    const { applicationId, collector } = this.#options
    const fixed = typeof sink.topic === 'function' ? undefined : topicName(sink.topic, applicationId)
    const { partitionOf } = sink
    return record => {
      const topic = fixed ?? topicChosen(sink.topic as TopicChoice, record)
      if (!partitionOf) return this.#write(sink, topic, record, undefined)
      return whenSettled(collector.partitionsOf(topic), partitions =>
        this.#write(sink, topic, record, partitionOf(record.key, record.value, { topic, partitions })),
      )
    }
  }

  #write(
    sink: SinkSpec,
    topic: string,
    { key, value, timestamp, headers }: StreamRecord<any, any>,
    partition: number | undefined,
  ): Done {
    const { collector } = this.#options
    let part: 'key' | 'value' = 'key'
    let keyBytes: Uint8Array | null
    let valueBytes: Uint8Array | null
    try {
      keyBytes = isNothing(key) ? null : sink.key.serialize(key, { topic, part })
      part = 'value'
      valueBytes = isNothing(value) ? null : sink.value.serialize(value, { topic, part })
    } catch (error) {
      return this.#desk.serialization(error, this.#origin(sink.name), part)
    }
    const outgoing: OutgoingRecord = { topic, key: keyBytes, value: valueBytes, timestamp, headers }
    collector.send(
      partition === undefined ? outgoing : { ...outgoing, partition },
      collector.keepsOrigins ? this.#origin(sink.name) : undefined,
    )
  }

  #processorStep(spec: ProcessorSpec): Step {
    const processor = spec.make()
    this.#processors.push(processor)
    this.#init.set(processor, () => processor.init?.(this.#contextOf(spec)))
    return record => processor.process(record)
  }

  #contextOf({ name }: ProcessorSpec): ProcessorContext {
    const { host, taskId, applicationId } = this.#options
    const place = () => this.#place
    return {
      forward: this.#forwardOf(name),
      store: <S extends StateStore>(store: string) => this.#storeOf(name, store) as S,
      schedule: (punctuation, punctuate) =>
        host.schedule(punctuation, timestamp => this.outsideRecord(name, timestamp, () => punctuate(timestamp))),
      commit: () => host.requestCommit(),
      dropped: reason => host.dropped(name, reason, this.#place),
      progress: key => host.progress.get(key),
      keepProgress: (key, value) => void host.progress.set(key, value),
      applicationId,
      taskId,
      emitIntervalMs: host.emitIntervalMs ?? 1000,
      get recordMetadata() {
        return place()
      },
      get streamTime() {
        return host.streamTime
      },
      get systemTime() {
        return host.systemTime
      },
    }
  }

  #storeOf(node: string, name: string): StateStore {
    const connected = this.#options.subtopology.readableBy(node)
    if (connected.includes(name)) return this.#options.stores.get(name)!
    throw new UsageError(
      `Processor '${node}' has no store '${name}'. Connected to it: ${connected.join(', ') || 'none'}.`,
    )
  }

  #forwardOf(name: string): ProcessorContext['forward'] {
    const children = this.#children.get(name) ?? []
    const all = inOrder(children.map(([, step]) => step))
    return (record, child) => {
      if (child === undefined) return all(record)
      const found = children.find(([name]) => name === child)
      if (found) return found[1](record)
      const names = children.map(([name]) => name).join(', ') || 'none'
      throw new UsageError(`Processor '${name}' has no child '${child}'. It has: ${names}.`)
    }
  }
}

/** A negative one drops the record; what is no time at all would be the stream time of all records that follow. */
function timeAnswered(time: number): number {
  if (Number.isSafeInteger(time)) return time
  throw new UsageError(
    `the timestamp extractor answered ${String(time)}: write milliseconds since 1970, a whole number; a negative one drops the record`,
  )
}

function topicChosen(choose: TopicChoice, record: StreamRecord<any, any>): string {
  const topic = choose(record)
  if (typeof topic === 'string' && topic !== '') return topic
  throw new UsageError(`the choice of a topic answered '${String(topic)}': answer the topic's name`)
}

function readRecord(source: SourceSpec, raw: RawRecord, topic: string): StreamRecord<any, any> {
  const { key, value, timestamp, headers } = raw
  return {
    key: key && source.key.deserialize(key, { topic, part: 'key' }),
    value: value && source.value.deserialize(value, { topic, part: 'value' }),
    timestamp,
    headers,
  }
}
