import { UsageError } from '@odradek/protocol'
import { millisecondsOf } from '../duration.ts'
import { mustBeOneOf } from '../known-names.ts'
import type { StoreSpec } from '../state/state-store.ts'
import { describeTopology } from './describe.ts'
import { dotOf } from './dot.ts'
import { drawingOf } from './drawing.ts'
import { mermaidOf } from './mermaid.ts'
import { groupNodes } from './node-groups.ts'
import {
  type FilledStoreOptions,
  type GlobalStoreOptions,
  type ProcessorNodeOptions,
  processorNode,
  type SinkNodeOptions,
  type SourceNodeOptions,
  sinkNode,
  sourceNode,
} from './node-options.ts'
import type { NodeSpec, ProcessorSpec, SinkSpec, SourceSpec } from './node-spec.ts'
import { type GlobalStoreSpec, Subtopology } from './subtopology.ts'

export { Subtopology } from './subtopology.ts'

/**
 * A graph of sources, processors and sinks. It falls into sub-topologies: parts that share neither a parent nor a store, only topics.
 * A sub-topology runs as one task per partition of its input; nothing else is shared between tasks.
 *
 *     new Topology()
 *       .addSource('lines', { topics: 'in', value: serde.string })
 *       .addProcessor('count', { parents: 'lines', processor: () => new Counter(), stores: [keyValueStore({ name: 'counts' })] })
 *       .addSink('written', { parents: 'count', topic: 'out', key: serde.string, value: serde.int64 })
 */
export class Topology {
  readonly #nodes = new Map<string, NodeSpec>()
  readonly #stores = new Map<string, StoreSpec>()
  /** Names of stores by processor, in the order they were connected. */
  readonly #connected = new Map<string, Set<string>>()
  readonly #globals: GlobalStoreSpec[] = []
  /** Topics of read-only stores, by store. */
  readonly #filledFrom = new Map<string, string>()
  readonly #copartitions: (readonly string[])[] = []

  addSource(name: string, options: SourceNodeOptions): this {
    return this.add(sourceNode(name, options))
  }

  addProcessor(name: string, options: ProcessorNodeOptions): this {
    this.add(processorNode(name, options))
    for (const store of options.stores ?? [])
      if (typeof store === 'string') this.connectProcessorAndStateStores(name, store)
      else this.addStateStore(store, name)
    return this
  }

  addSink(name: string, options: SinkNodeOptions): this {
    return this.add(sinkNode(name, options))
  }

  /** Adds a node below nodes that are there. Throws UsageError for what is there already, and for a parent that is not. */
  add(node: NodeSpec): this {
    if (this.#nodes.has(node.name))
      throw new UsageError(`Two nodes are named '${node.name}'. Give one of them another name.`)
    if (node.kind === 'source') {
      mustHaveStart(node)
      this.#mustBeUnread(node)
    } else this.#mustHaveParents(node)
    this.#nodes.set(node.name, node.kind === 'source' ? { ...node, topics: forgetful(node.topics) } : node)
    return this
  }

  /** Adds a store for processors that are there; again for the same store: connects it to more of them. */
  addStateStore(store: StoreSpec, ...processors: string[]): this {
    const known = this.#stores.get(store.name)
    if ((known && known !== store) || this.#globals.some(global => global.store.name === store.name))
      throw new UsageError(`There are two stores '${store.name}'. Give one of them another name.`)
    mustHavePlace(store)
    this.#stores.set(store.name, store)
    for (const processor of processors) this.connectProcessorAndStateStores(processor, store.name)
    return this
  }

  connectProcessorAndStateStores(processor: string, ...stores: string[]): this {
    const node = this.#nodes.get(processor)
    if (node?.kind !== 'processor' || this.#globals.some(global => global.processor === processor))
      throw new UsageError(`There is no processor '${processor}' to connect to ${stores.join(', ')}. Add it first.`)
    for (const store of stores) this.#connect(processor, store)
    return this
  }

  #connect(processor: string, store: string): void {
    if (this.#globals.some(global => global.store.name === store))
      throw new UsageError(`Store '${store}' is global: processor '${processor}' can read it without being connected.`)
    if (!this.#stores.has(store))
      throw new UsageError(`Processor '${processor}' is to use store '${store}', and there is none. Add it first.`)
    const connected = this.#connected.get(processor)
    if (connected) connected.add(store)
    else this.#connected.set(processor, new Set([store]))
  }

  /**
   * Adds a store that every instance fills by itself with all partitions of a topic, before any task begins. Every processor can read
   * it and is not connected to it; only its own processor may write. It has no changelog: the topic is it.
   */
  addGlobalStore(store: StoreSpec, options: GlobalStoreOptions): this {
    const { source, topic, name, processor, restore = 'processor', ...reading } = options
    if (this.#stores.has(store.name) || this.#globals.some(global => global.store.name === store.name))
      throw new UsageError(`There are two stores '${store.name}'. Give one of them another name.`)
    if (store.changelog)
      throw new UsageError(
        `Store '${store.name}' is to be global and has a changelog. Make it with { logging: false }.`,
      )
    if (store.in === 'disk')
      throw new UsageError(
        `Store '${store.name}' is to be global and on disk. Global stores are kept in memory: leave out { in: 'disk' }.`,
      )
    mustHavePlace(store)
    this.addSource(source, { ...reading, topics: topic })
    this.add(processorNode(name, { parents: source, processor }))
    this.#globals.push({ store, source, processor: name, topic, restore })
    return this
  }

  /**
   * Adds a store that is filled from a topic, partition by partition, and that others only read: connect them to it (KIP-813). It has no
   * changelog: the topic is it, and is restored from as it is. The processor must put what it is given, unchanged.
   */
  addReadOnlyStateStore(store: StoreSpec, options: FilledStoreOptions): this {
    const { source, topic, name, processor, ...reading } = options
    this.#filledFrom.set(store.name, topic)
    return this.addSource(source, { ...reading, topics: topic }).addProcessor(name, {
      parents: source,
      processor,
      stores: [store],
    })
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
      if (this.#globals.some(({ source, processor }) => source === parent || processor === parent))
        throw new UsageError(`Node '${name}' names '${parent}' as its parent, which fills a global store and no more.`)
    }
  }

  #mustBeUnread({ topics }: SourceSpec): void {
    for (const node of this.nodes) {
      if (node.kind !== 'source') continue
      const both = readByBoth(node.topics, topics)
      if (both !== undefined)
        throw new UsageError(
          `Node '${node.name}' reads topic '${both}' already. Keep its stream in a variable and use that twice.`,
        )
    }
  }

  /** In the order they were added. */
  get nodes(): readonly NodeSpec[] {
    return [...this.#nodes.values()]
  }

  /**
   * What runs as tasks. Numbered in the order in which their first node was added, as Kafka Streams numbers them: task ids and topic
   * names hang on it. Those of global stores take a number, too.
   */
  subtopologies(): Subtopology[] {
    return this.#parts().filter(({ global }) => global === undefined)
  }

  /** Those that fill global stores. */
  globals(): Subtopology[] {
    return this.#parts().filter(({ global }) => global !== undefined)
  }

  #parts(): Subtopology[] {
    const shared = {
      stores: this.#stores,
      connected: this.#connected,
      globals: this.#globals,
      filledFrom: this.#filledFrom,
    }
    return groupNodes(this.nodes, name => [...(this.#connected.get(name) ?? [])]).map(
      (nodes, id) => new Subtopology(id, nodes, shared),
    )
  }

  /** The graph in Kafka Streams' own words, line for line. */
  describe(): string {
    return describeTopology(this.#parts())
  }

  /** The graph as a flowchart of Mermaid, which many places that show Markdown draw. */
  mermaid(): string {
    return mermaidOf(drawingOf(this.#parts()))
  }

  /** The graph for Graphviz: `dot -Tsvg`. */
  dot(): string {
    return dotOf(drawingOf(this.#parts()))
  }
}

function mustHavePlace(store: StoreSpec): void {
  if (store.in !== undefined) mustBeOneOf(`\`in\` of store '${store.name}'`, store.in, ['memory', 'disk'])
}

/** A word that is none would be taken for the application's own setting. */
function mustHaveStart({ name, offsetReset }: SourceSpec): void {
  if (offsetReset === undefined) return
  if (typeof offsetReset === 'object') millisecondsOf(offsetReset?.durationMs, `offsetReset.durationMs`)
  else mustBeOneOf(`\`offsetReset\` of source '${name}'`, offsetReset, ['earliest', 'latest', 'none'])
}

/** Without the flags that make `test` remember where it stopped. */
const forgetful = (topics: SourceSpec['topics']): SourceSpec['topics'] =>
  topics instanceof RegExp ? new RegExp(topics.source, topics.flags.replace(/[gy]/g, '')) : topics

/** A topic that both read; two expressions are not compared. */
function readByBoth(one: SourceSpec['topics'], other: SourceSpec['topics']): string | undefined {
  if (one instanceof RegExp) return other instanceof RegExp ? undefined : readByBoth(other, one)
  return one.find(({ name }) => (other instanceof RegExp ? other.test(name) : other.some(topic => topic.name === name)))
    ?.name
}
