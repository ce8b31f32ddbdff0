import type { StoreSpec } from '../state/state-store.ts'
import { type NodeSpec, type SourceSpec, type TopicRef, topicsReadBy } from './node-spec.ts'

/** A store that every task can read and none of them fills: each instance has one, of all partitions of a topic (streams facts 2.43). */
export interface GlobalStoreSpec {
  readonly store: StoreSpec
  readonly source: string
  readonly processor: string
  readonly topic: string
  /** How it is filled when an instance starts: with the bytes of the topic as they are, or by the processor, record by record. */
  readonly restore: 'bytes' | 'processor'
}

/** What the sub-topologies of a topology have in common. */
export interface SharedParts {
  readonly stores: ReadonlyMap<string, StoreSpec>
  /** Names of stores by processor, in the order they were connected. */
  readonly connected: ReadonlyMap<string, ReadonlySet<string>>
  readonly globals: readonly GlobalStoreSpec[]
  /** Topics of read-only stores, by store (KIP-813). */
  readonly filledFrom: ReadonlyMap<string, string>
}

/** Nodes that hang together, to be run as one task per partition; or by every instance as a whole, where they fill a global store. */
export class Subtopology {
  readonly id: number
  readonly nodes: readonly NodeSpec[]
  /** What it fills, where it is there for that: such a one has no tasks. */
  readonly global: GlobalStoreSpec | undefined
  readonly #shared: SharedParts

  constructor(id: number, nodes: readonly NodeSpec[], shared: SharedParts) {
    this.id = id
    this.nodes = nodes
    this.#shared = shared
    this.global = shared.globals.find(({ source }) => nodes.some(({ name }) => name === source))
  }

  /** Names of the stores a processor is connected to. */
  storesOf(processor: string): string[] {
    if (this.global?.processor === processor) return [this.global.store.name]
    return [...(this.#shared.connected.get(processor) ?? [])]
  }

  /** Names of the stores a processor may ask for: its own, and every global one. */
  readableBy(processor: string): string[] {
    return [...new Set([...this.storesOf(processor), ...this.#shared.globals.map(({ store }) => store.name)])]
  }

  get sources(): SourceSpec[] {
    return this.nodes.filter(node => node.kind === 'source')
  }

  /** Those that are named. */
  get sourceTopics(): TopicRef[] {
    return this.sources.flatMap(source => topicsReadBy(source, []))
  }

  /** Where it writes, as far as that is known beforehand. */
  get sinkTopics(): TopicRef[] {
    return this.nodes.flatMap(node => (node.kind === 'sink' && typeof node.topic !== 'function' ? [node.topic] : []))
  }

  get stores(): StoreSpec[] {
    if (this.global) return [this.global.store]
    const names = new Set(this.nodes.flatMap(({ name }) => this.storesOf(name)))
    return [...names].map(name => {
      const spec = this.#shared.stores.get(name)!
      return this.inputOf(name) === undefined ? spec : withoutChangelog(spec)
    })
  }

  /** The topic that a read-only store is filled from, and restored from. */
  inputOf(store: string): string | undefined {
    return this.#shared.filledFrom.get(store)
  }
}

const withoutChangelog = (spec: StoreSpec): StoreSpec => ({
  name: spec.name,
  changelog: null,
  in: spec.in,
  make: place => spec.make(place),
})
