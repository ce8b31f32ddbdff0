import { UsageError } from '@odradek/protocol'
import type { Processor, ProcessorContext } from '../processor.ts'
import type { Done, RecordHeaders, StreamRecord } from '../record.ts'
import type { StateStore } from '../state/state-store.ts'
import { nodeFailed, type RecordPlace } from '../streams-error.ts'
import { type NodeSpec, type ProcessorSpec, type SinkSpec, type SourceSpec, topicName } from '../topology/node-spec.ts'
import type { Subtopology } from '../topology/topology.ts'
import type { Collector } from './collector.ts'

/** A node that runs: takes a record, and is done when everything below it is. */
type Step = (record: StreamRecord<any, any>) => Done

export interface TaskGraphOptions {
  subtopology: Subtopology
  taskId: string
  applicationId: string
  stores: ReadonlyMap<string, StateStore>
  collector: Collector
  streamTime: () => number
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
  /** Of the record that is being processed. */
  #place: RecordPlace | undefined
  readonly #processors: Processor[] = []
  readonly #init = new Map<Processor, () => void>()
  readonly #children = new Map<string, Step[]>()
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
  process(raw: RawRecord, place: RecordPlace): Done {
    const source = this.#sources.get(place.topic)!
    this.#place = place
    return source.below(this.#read(source.spec, raw, place.topic))
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
      const source = { spec: node, below: this.#below(node.name) }
      for (const topic of node.topics) this.#sources.set(topicName(topic, this.#options.applicationId), source)
      return
    }
    const step = this.#guarded(node.name, node.kind === 'sink' ? this.#sinkStep(node) : this.#processorStep(node))
    for (const parent of node.parents) this.#children.set(parent, [step, ...(this.#children.get(parent) ?? [])])
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
    const topic = topicName(sink.topic, this.#options.applicationId)
    const { collector } = this.#options
    return ({ key, value, timestamp, headers }) =>
      collector.send({
        topic,
        key: key === null || key === undefined ? null : (sink.key.serialize(key, { topic, part: 'key' }) as Uint8Array),
        value:
          value === null || value === undefined
            ? null
            : (sink.value.serialize(value, { topic, part: 'value' }) as Uint8Array),
        timestamp,
        headers,
      })
  }

  #processorStep(spec: ProcessorSpec): Step {
    const processor = spec.make()
    this.#processors.push(processor)
    this.#init.set(processor, () => processor.init?.(this.#contextOf(spec)))
    return record => processor.process(record)
  }

  #contextOf(spec: ProcessorSpec): ProcessorContext {
    const { stores, taskId, streamTime } = this.#options
    return {
      forward: this.#below(spec.name),
      taskId,
      get streamTime() {
        return streamTime()
      },
      store: <S extends StateStore>(name: string): S => {
        const names = spec.stores.map(store => store.name)
        if (!names.includes(name))
          throw new UsageError(
            `Processor '${spec.name}' has no store '${name}'. Connected to it: ${names.join(', ') || 'none'}.`,
          )
        return stores.get(name) as S
      },
    }
  }

  #below(name: string): Step {
    const children = this.#children.get(name) ?? []
    if (children.length === 1) return children[0]!
    return record => inTurn(children, record, 0)
  }
}

/** Children one after the other, waiting only where one waits. */
function inTurn(children: readonly Step[], record: StreamRecord<any, any>, from: number): Done {
  for (let i = from; i < children.length; i++) {
    const waiting = children[i]!(record)
    if (waiting) return waiting.then(() => inTurn(children, record, i + 1))
  }
}
