import type { Serde } from '@odradek/client'
import type { Processor } from '../processor.ts'
import type { RecordHeaders, RecordMetadata, StreamRecord } from '../record.ts'

/** The nodes of a topology as they were declared: names and factories, nothing that runs. */
export type NodeSpec = SourceSpec | ProcessorSpec | SinkSpec

export interface SourceSpec {
  readonly kind: 'source'
  readonly name: string
  readonly topics: readonly TopicRef[] | RegExp
  readonly key: Serde<any>
  readonly value: Serde<any>
  /** Milliseconds since the Unix epoch; a negative one drops the record (streams facts 2.36). Default: the record's own. */
  readonly timestampOf?: TimestampExtractor | undefined
  /** Where to begin without a committed offset. Default: the application's. */
  readonly offsetReset?: OffsetReset | undefined
}

export interface ProcessorSpec {
  readonly kind: 'processor'
  readonly name: string
  readonly parents: readonly string[]
  make(): Processor
}

export interface SinkSpec {
  readonly kind: 'sink'
  readonly name: string
  readonly parents: readonly string[]
  /** A topic, or the choice of one for each record; it must exist. */
  readonly topic: TopicRef | TopicChoice
  readonly key: Serde<any>
  readonly value: Serde<any>
  readonly partitionOf?: StreamPartitioner | undefined
}

/** What a record tells of itself before it is read: `partitionTime` is the largest timestamp of the partition so far, -1 before the first. */
export type TimestampExtractor = (
  record: { key: unknown; value: unknown; timestamp: number; headers: RecordHeaders } & RecordMetadata,
  partitionTime: number,
) => number

/** 'none' ends the instance where there is no committed offset; a duration begins that long ago (KIP-1106). */
export type OffsetReset = 'earliest' | 'latest' | 'none' | { durationMs: number }

export type TopicChoice = (record: StreamRecord<any, any>) => string

/** Undefined: by the key's bytes, as everywhere. */
export type StreamPartitioner<K = any, V = any> = (
  key: K,
  value: V,
  place: { topic: string; partitions: number },
) => number | undefined

/** A topic of the user's, or one that the application makes for itself and that carries its id: `<application.id>-<name>`. */
export interface TopicRef {
  readonly name: string
  readonly internal: boolean
  /** Of an internal topic, where the user has said how many (`repartition`). */
  readonly partitions?: number | undefined
}

export const userTopic = (name: string): TopicRef => ({ name, internal: false })
export const internalTopic = (name: string, partitions?: number): TopicRef => ({ name, internal: true, partitions })

export const topicName = (topic: TopicRef, applicationId: string): string =>
  topic.internal ? `${applicationId}-${topic.name}` : topic.name

/** What a source reads; of an expression, the topics among `present` that it stands for. */
export const topicsReadBy = ({ topics }: SourceSpec, present: readonly string[]): readonly TopicRef[] =>
  topics instanceof RegExp ? present.filter(name => topics.test(name)).map(userTopic) : topics
