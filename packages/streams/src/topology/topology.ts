import { UsageError } from '@odradek/protocol'
import type { StoreSpec } from '../state/state-store.ts'
import { describeTopology } from './describe.ts'
import { groupNodes } from './node-groups.ts'
import type { NodeSpec, ProcessorSpec, SinkSpec, SourceSpec, TopicRef } from './node-spec.ts'

/**
 * A graph of sources, processors and sinks. It falls into sub-topologies: parts that share neither a parent nor a store, only topics.
 * A sub-topology runs as one task per partition of its input; nothing else is shared between tasks.
 */
export class Topology {
  readonly #nodes = new Map<string, NodeSpec>()
  readonly #stores = new Map<string, StoreSpec>()
  /** Names of stores by processor, in the order they were connected. */
  readonly #connected = new Map<string, Set<string>>()
  readonly #copartitions: (readonly string[])[] = []

  /** Adds a node below nodes that are there. Throws UsageError for what is there already, and for a parent that is not. */
  add(node: NodeSpec): void {
    if (this.#nodes.has(node.name))
      throw new UsageError(`Two nodes are named '${node.name}'. Give one of them another name.`)
    if (node.kind === 'source') this.#mustBeUnread(node)
    else this.#mustHaveParents(node)
    this.#nodes.set(node.name, node)
  }

  /** Adds a store for processors that are there; again for the same store: connects it to more of them. */
  addStateStore(store: StoreSpec, ...processors: string[]): void {
    const known = this.#stores.get(store.name)
    if (known && known !== store)
      throw new UsageError(`There are two stores '${store.name}'. Give one of them another name.`)
    this.#stores.set(store.name, store)
    for (const processor of processors) this.connectProcessorAndStateStores(processor, store.name)
  }

  connectProcessorAndStateStores(processor: string, ...stores: string[]): void {
    const node = this.#nodes.get(processor)
    if (node?.kind !== 'processor')
      throw new UsageError(`There is no processor '${processor}' to connect to ${stores.join(', ')}. Add it first.`)
    for (const store of stores) {
      if (!this.#stores.has(store))
        throw new UsageError(`Processor '${processor}' is to use store '${store}', and there is none. Add it first.`)
      const connected = this.#connected.get(processor)
      if (connected) connected.add(store)
      else this.#connected.set(processor, new Set([store]))
    }
  }

  /** What these sources read must have equal numbers of partitions: their records are joined (streams facts 2.27). */
  copartition(sources: readonly string[]): void {
    this.#copartitions.push(sources)
  }

  get copartitions(): readonly (readonly string[])[] {
    return this.#copartitions
  }

  #mustHaveParents({ name, parents }: ProcessorSpec | SinkSpec): void {
    for (const parent of parents) {
      const found = this.#nodes.get(parent)
      if (!found)
        throw new UsageError(
          `Node '${name}' names '${parent}' as its parent, and there is no such node. Add the parent first.`,
        )
      if (found.kind === 'sink')
        throw new UsageError(`Node '${name}' names the sink '${parent}' as its parent; a sink has no children.`)
    }
  }

  #mustBeUnread({ topics }: SourceSpec): void {
    if (topics instanceof RegExp) return
    for (const { name } of topics) {
      const reader = this.nodes.find(
        node =>
          node.kind === 'source' &&
          (node.topics instanceof RegExp ? node.topics.test(name) : node.topics.some(topic => topic.name === name)),
      )
      if (reader)
        throw new UsageError(
          `Node '${reader.name}' reads topic '${name}' already. Keep its stream in a variable and use that twice.`,
        )
    }
  }

  /** In the order they were added. */
  get nodes(): readonly NodeSpec[] {
    return [...this.#nodes.values()]
  }

  /** Numbered in the order in which their first node was added, as Kafka Streams numbers them: task ids and topic names hang on it. */
  subtopologies(): Subtopology[] {
    return groupNodes(this.nodes, name => [...(this.#connected.get(name) ?? [])]).map(
      (nodes, id) => new Subtopology(id, nodes, this.#stores, this.#connected),
    )
  }

  /** The graph in Kafka Streams' own words, line for line. */
  describe(): string {
    return describeTopology(this.subtopologies())
  }
}

export class Subtopology {
  readonly id: number
  readonly nodes: readonly NodeSpec[]
  readonly #stores: ReadonlyMap<string, StoreSpec>
  readonly #connected: ReadonlyMap<string, ReadonlySet<string>>

  constructor(
    id: number,
    nodes: readonly NodeSpec[],
    stores: ReadonlyMap<string, StoreSpec>,
    connected: ReadonlyMap<string, ReadonlySet<string>>,
  ) {
    this.id = id
    this.nodes = nodes
    this.#stores = stores
    this.#connected = connected
  }

  /** Names of a processor's stores. */
  storesOf(processor: string): string[] {
    return [...(this.#connected.get(processor) ?? [])]
  }

  get sourceTopics(): TopicRef[] {
    return this.nodes.flatMap(node =>
      node.kind === 'source' && !(node.topics instanceof RegExp) ? [...node.topics] : [],
    )
  }

  /** Where it writes, as far as that is known beforehand. */
  get sinkTopics(): TopicRef[] {
    return this.nodes.flatMap(node => (node.kind === 'sink' && typeof node.topic !== 'function' ? [node.topic] : []))
  }

  get stores(): StoreSpec[] {
    const names = new Set(this.nodes.flatMap(({ name }) => this.storesOf(name)))
    return [...names].map(name => this.#stores.get(name)!)
  }
}
