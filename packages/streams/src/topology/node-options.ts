/** What a user says of a node that he adds by hand, and the node it becomes. */
import { type Serde, UsageError } from '@odradek/client'
import { onlyBytes } from '../dsl/only-bytes.ts'
import { type ProcessorSupplier, processorMaker } from '../processors/supplier.ts'
import type { StoreSpec } from '../state/state-store.ts'
import {
  type OffsetReset,
  type ProcessorSpec,
  type SinkSpec,
  type SourceSpec,
  type StreamPartitioner,
  type TimestampExtractor,
  type TopicChoice,
  userTopic,
} from './node-spec.ts'

/** Bytes where no serde is given. */
export interface NodeSerdes {
  key?: Serde<any>
  value?: Serde<any>
}

export interface SourceNodeOptions extends NodeSerdes {
  /** One topic, several, or all whose names match. */
  topics: string | readonly string[] | RegExp
  /** Milliseconds since the Unix epoch; a negative one drops the record. Default: the record's own timestamp. */
  timestampOf?: TimestampExtractor
  /** Where to begin without a committed offset. Default: the application's. */
  offsetReset?: OffsetReset
}

export interface ProcessorNodeOptions {
  /** Whose records it gets: names of sources and processors that are there. */
  parents: string | readonly string[]
  /** Makes a processor for each task; or `{ process(record, context) {…} }` for one that has no state. */
  processor: ProcessorSupplier<any, any, any, any>
  /** Stores it uses: by name where they are there, or specs, which are added. */
  stores?: readonly (string | StoreSpec)[]
}

export interface SinkNodeOptions extends NodeSerdes {
  parents: string | readonly string[]
  /** A topic that exists, or the choice of one for each record. */
  topic: string | TopicChoice
  /** Default: by the key's bytes, as everywhere in Kafka. */
  partitionOf?: StreamPartitioner
}

/** Of a store that is filled from a topic by a processor of its own. */
export interface FilledStoreOptions extends NodeSerdes {
  /** Name of the source, and the topic it reads. */
  source: string
  topic: string
  timestampOf?: TimestampExtractor
  /** Name of the processor, and what it does: puts records into the store, and forwards nothing. */
  name: string
  processor: ProcessorSupplier<any, any, never, never>
}

export interface GlobalStoreOptions extends FilledStoreOptions {
  /** 'bytes': the store is what the topic is, and is filled without the processor when an instance starts. Default 'processor'. */
  restore?: 'bytes' | 'processor'
}

export function sourceNode(name: string, options: SourceNodeOptions): SourceSpec {
  const { key = onlyBytes, value = onlyBytes, timestampOf, offsetReset } = options
  return { kind: 'source', name, topics: topicsOf(name, options.topics), key, value, timestampOf, offsetReset }
}

export const processorNode = (name: string, { parents, processor }: ProcessorNodeOptions): ProcessorSpec => ({
  kind: 'processor',
  name,
  parents: parentsOf(name, parents),
  make: processorMaker(name, processor),
})

export function sinkNode(name: string, options: SinkNodeOptions): SinkSpec {
  const { parents, topic, key = onlyBytes, value = onlyBytes, partitionOf } = options
  const to = typeof topic === 'string' ? userTopic(topic) : topic
  return { kind: 'sink', name, parents: parentsOf(name, parents), topic: to, key, value, partitionOf }
}

function topicsOf(name: string, topics: string | readonly string[] | RegExp): SourceSpec['topics'] {
  if (topics instanceof RegExp) return topics
  const names = typeof topics === 'string' ? [topics] : topics
  if (names.length === 0) throw new UsageError(`Source '${name}' reads no topic. Name at least one.`)
  return names.map(userTopic)
}

function parentsOf(name: string, parents: string | readonly string[]): readonly string[] {
  const names = typeof parents === 'string' ? [parents] : parents
  if (names.length === 0)
    throw new UsageError(`Node '${name}' has no parent, and would get nothing. Name at least one source or processor.`)
  const twice = names.find((parent, i) => names.indexOf(parent) !== i)
  if (twice !== undefined)
    throw new UsageError(`Node '${name}' names '${twice}' as its parent twice, and would get every record once.`)
  return names
}
