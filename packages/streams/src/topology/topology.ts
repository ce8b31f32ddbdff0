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

  /** Adds a node below nodes that are there. Throws UsageError for what is there already, and for a parent that is not. */
  add(node: NodeSpec): void {
    if (this.#nodes.has(node.name))
      throw new UsageError(`Two nodes are named '${node.name}'. Give one of them another name.`)
    if (node.kind === 'source') this.#mustBeUnread(node)
    else this.#mustHaveParents(node)
    if (node.kind === 'processor') this.#addStores(node)
    this.#nodes.set(node.name, node)
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
    for (const { name } of topics) {
      const reader = this.nodes.find(node => node.kind === 'source' && node.topics.some(topic => topic.name === name))
      if (reader)
        throw new UsageError(
          `Node '${reader.name}' reads topic '${name}' already. Keep its stream in a variable and use that twice.`,
        )
    }
  }

  #addStores({ name, stores }: ProcessorSpec): void {
    for (const store of stores) {
      const known = this.#stores.get(store.name)
      if (known && known !== store)
        throw new UsageError(`Node '${name}' makes a second store '${store.name}'. Give one of them another name.`)
      this.#stores.set(store.name, store)
    }
  }

  /** In the order they were added. */
  get nodes(): readonly NodeSpec[] {
    return [...this.#nodes.values()]
  }

  /** Numbered in the order in which their first node was added, as Kafka Streams numbers them: task ids and topic names hang on it. */
  subtopologies(): Subtopology[] {
    return groupNodes(this.nodes).map((nodes, id) => new Subtopology(id, nodes))
  }

  /** The graph in Kafka Streams' own words, line for line. */
  describe(): string {
    return describeTopology(this.subtopologies())
  }
}

export class Subtopology {
  readonly id: number
  readonly nodes: readonly NodeSpec[]

  constructor(id: number, nodes: readonly NodeSpec[]) {
    this.id = id
    this.nodes = nodes
  }

  get sourceTopics(): TopicRef[] {
    return this.nodes.flatMap(node => (node.kind === 'source' ? node.topics : []))
  }

  get sinkTopics(): TopicRef[] {
    return this.nodes.flatMap(node => (node.kind === 'sink' ? [node.topic] : []))
  }

  get stores(): StoreSpec[] {
    return [
      ...new Map(
        this.nodes.flatMap(node => (node.kind === 'processor' ? node.stores : [])).map(store => [store.name, store]),
      ).values(),
    ]
  }
}
