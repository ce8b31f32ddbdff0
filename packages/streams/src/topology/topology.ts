import { UsageError } from '@odradek/protocol'
import type { StoreSpec } from '../state/state-store.ts'
import { describeTopology } from './describe.ts'
import { groupNodes } from './node-groups.ts'
import type { NodeSpec, TopicRef } from './node-spec.ts'

/**
 * A graph of sources, processors and sinks. It falls into sub-topologies: parts that share neither a parent nor a store, only topics.
 * A sub-topology runs as one task per partition of its input; nothing else is shared between tasks.
 */
export class Topology {
  readonly #nodes = new Map<string, NodeSpec>()

  /** Adds a node below nodes that are there. Throws UsageError for a name twice or a parent that is missing. */
  add(node: NodeSpec): void {
    if (this.#nodes.has(node.name))
      throw new UsageError(`Two nodes are named '${node.name}'. Give one of them another name.`)
    for (const parent of node.kind === 'source' ? [] : node.parents) {
      const found = this.#nodes.get(parent)
      if (!found)
        throw new UsageError(
          `Node '${node.name}' names '${parent}' as its parent, and there is no such node. Add the parent first.`,
        )
      if (found.kind === 'sink')
        throw new UsageError(`Node '${node.name}' names the sink '${parent}' as its parent; a sink has no children.`)
    }
    this.#nodes.set(node.name, node)
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
