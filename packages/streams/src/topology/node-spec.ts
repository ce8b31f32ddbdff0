import type { Serde } from '@odradek/client'
import type { Processor } from '../processor.ts'
import type { StoreSpec } from '../state/state-store.ts'

/** The nodes of a topology as they were declared: names and factories, nothing that runs. */
export type NodeSpec = SourceSpec | ProcessorSpec | SinkSpec

export interface SourceSpec {
  readonly kind: 'source'
  readonly name: string
  readonly topics: readonly TopicRef[]
  readonly key: Serde<any>
  readonly value: Serde<any>
}

export interface ProcessorSpec {
  readonly kind: 'processor'
  readonly name: string
  readonly parents: readonly string[]
  readonly stores: readonly StoreSpec[]
  make(): Processor
}

export interface SinkSpec {
  readonly kind: 'sink'
  readonly name: string
  readonly parents: readonly string[]
  readonly topic: TopicRef
  readonly key: Serde<any>
  readonly value: Serde<any>
}

/** A topic of the user's, or one that the application makes for itself and that carries its id: `<application.id>-<name>`. */
export interface TopicRef {
  readonly name: string
  readonly internal: boolean
}

export const userTopic = (name: string): TopicRef => ({ name, internal: false })
export const internalTopic = (name: string): TopicRef => ({ name, internal: true })

export const topicName = (topic: TopicRef, applicationId: string): string =>
  topic.internal ? `${applicationId}-${topic.name}` : topic.name
