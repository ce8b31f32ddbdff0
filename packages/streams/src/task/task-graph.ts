import { UsageError } from '@odradek/protocol'
import type { Processor, ProcessorContext } from '../processor.ts'
import { type Done, isNothing, type RecordHeaders, type RecordMetadata, type StreamRecord } from '../record.ts'
import type { StateStore } from '../state/state-store.ts'
import { nodeFailed } from '../streams-error.ts'
import { type NodeSpec, type ProcessorSpec, type SinkSpec, type SourceSpec, topicName } from '../topology/node-spec.ts'
import type { Subtopology } from '../topology/topology.ts'
import type { Collector } from './collector.ts'
import { inOrder, type Step } from './step.ts'
import type { TaskHost } from './task-host.ts'

export interface TaskGraphOptions {
  subtopology: Subtopology
  taskId: string
  applicationId: string
  stores: ReadonlyMap<string, StateStore>
  collector: Collector
  host: TaskHost
}

/** A record as it comes from a topic. */
export interface RawRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly timestamp: number
  readonly headers: RecordHeaders
}

interface RunningSource {
  readonly spec: SourceSpec
  readonly below: Step
}

/**
 * One task's running copy of a sub-topology: processors wired to their children, sources by topic. Whatever throws or rejects below
 * comes out as one StreamsError that names the node and the record.
 */
export class TaskGraph {
  readonly #options: TaskGraphOptions
  /** Of the record that is being processed; undefined in a punctuation. */
  #place: RecordMetadata | undefined
  readonly #processors: Processor[] = []
  readonly #init = new Map<Processor, () => void>()
  readonly #children = new Map<string, [name: string, Step][]>()
  readonly #sources = new Map<string, RunningSource>()

  constructor(options: TaskGraphOptions) {
    this.#options = options
    const { nodes } = options.subtopology
    // Children before parents, so that each finds its children's steps made.
    for (const node of [...nodes].reverse()) this.#build(node)
    for (const processor of this.#processors.reverse()) this.#init.get(processor)?.()
  }

  reads(topic: string): boolean {
    return this.#sources.has(topic)
  }

  /** Takes one record of a topic through everything below its source. */
  process(raw: RawRecord, place: RecordMetadata): Done {
    const source = this.#sources.get(place.topic)!
    this.#place = place
    return source.below(this.#read(source.spec, raw, place.topic))
  }

  /** Runs something that belongs to a node but to no record: a punctuation. */
  outsideRecord(node: string, run: () => Done): Done {
    this.#place = undefined
    return this.#guarded(node, run)(undefined as never)
  }

  #read(source: SourceSpec, raw: RawRecord, topic: string): StreamRecord<any, any> {
    try {
      const { key, value, timestamp, headers } = raw
      return {
        key: key && source.key.deserialize(key, { topic, part: 'key' }),
        value: value && source.value.deserialize(value, { topic, part: 'value' }),
        timestamp,
        headers,
      }
    } catch (error) {
      throw this.#failed('DESERIALIZATION', error, source.name)
    }
  }

  #failed(code: 'DESERIALIZATION' | 'PROCESSING', cause: unknown, node: string): Error {
    return nodeFailed(code, cause, { node, taskId: this.#options.taskId, place: this.#place })
  }

  close(): void {
    for (const processor of this.#processors) processor.close?.()
  }

  #build(node: NodeSpec): void {
    if (node.kind === 'source') {
      const source = { spec: node, below: inOrder((this.#children.get(node.name) ?? []).map(([, step]) => step)) }
      // A pattern stands for no topic of its own: the runtime names those that match.
      if (!(node.topics instanceof RegExp))
        for (const topic of node.topics) this.#sources.set(topicName(topic, this.#options.applicationId), source)
      return
    }
    const step = this.#guarded(node.name, node.kind === 'sink' ? this.#sinkStep(node) : this.#processorStep(node))
    for (const parent of node.parents)
      this.#children.set(parent, [[node.name, step], ...(this.#children.get(parent) ?? [])])
  }

  #guarded(node: string, step: Step): Step {
    const rejected = (error: unknown): never => {
      throw this.#failed('PROCESSING', error, node)
    }
    return record => {
      try {
        const waiting = step(record)
        return waiting ? waiting.catch(rejected) : undefined
      } catch (error) {
        throw this.#failed('PROCESSING', error, node)
      }
    }
  }

  #sinkStep(sink: SinkSpec): Step {
    const { applicationId, collector } = this.#options
    const fixed = typeof sink.topic === 'function' ? undefined : topicName(sink.topic, applicationId)
    return record => {
      const { key, value, timestamp, headers } = record
      const topic = fixed ?? (sink.topic as (record: unknown) => string)(record)
      const partition = sink.partitionOf?.(key, value, { topic, partitions: collector.partitionsOf(topic) })
      collector.send({
        topic,
        ...(partition !== undefined && { partition }),
        key: isNothing(key) ? null : sink.key.serialize(key, { topic, part: 'key' }),
        value: isNothing(value) ? null : sink.value.serialize(value, { topic, part: 'value' }),
        timestamp,
        headers,
      })
    }
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
        host.schedule(punctuation, timestamp => this.outsideRecord(name, () => punctuate(timestamp))),
      commit: () => host.requestCommit(),
      dropped: reason => host.dropped(name, reason, this.#place),
      progress: key => host.progress.get(key),
      keepProgress: (key, value) => void host.progress.set(key, value),
      applicationId,
      taskId,
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
    const connected = this.#options.subtopology.storesOf(node)
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
