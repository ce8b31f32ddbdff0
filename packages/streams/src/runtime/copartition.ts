import { UsageError } from '@odradek/protocol'
import { type TopicRef, topicsReadBy } from '../topology/node-spec.ts'
import type { Topology } from '../topology/topology.ts'

/** A topic of a group, and the node that reads it. */
export interface CopartitionedTopic extends TopicRef {
  readonly node: string
}

/** Topics whose records are joined: a key must have the same partition number in each (streams facts 2.27). */
export type CopartitionGroup = readonly CopartitionedTopic[]

/**
 * Groups that share a topic are one: what is joined with the same must be equal to each other. An expression stands for the topics
 * among `present` that match.
 */
export function copartitionGroups(topology: Topology, present: readonly string[] = []): CopartitionGroup[] {
  const topicsOf = new Map<string, readonly TopicRef[]>()
  for (const node of topology.nodes) if (node.kind === 'source') topicsOf.set(node.name, topicsReadBy(node, present))
  let groups: ReadonlyMap<string, CopartitionedTopic>[] = []
  for (const sources of topology.copartitions) {
    const own = sources.flatMap(node => (topicsOf.get(node) ?? []).map(topic => ({ ...topic, node })))
    const shared = groups.filter(group => own.some(({ name }) => group.has(name)))
    const merged = [...shared.flatMap(group => [...group.values()]), ...own]
    groups = groups.filter(group => !shared.includes(group))
    groups.push(new Map(merged.map(topic => [topic.name, topic])))
  }
  return groups.map(group => [...group.values()])
}

/**
 * How wide the internal topics of a group are: as the user's topics in it; else as one whose number was given; else as the widest would
 * be by what feeds it. Undefined: what feeds it decides. `widthOf` knows the user's topics.
 */
export function adoptedWidth(
  group: CopartitionGroup,
  widthOf: (topic: TopicRef) => number,
  byFeeders: (topic: TopicRef) => number,
): number {
  const settled = group.find(({ internal }) => !internal) ?? group.find(({ partitions }) => partitions !== undefined)
  return settled ? (settled.partitions ?? widthOf(settled)) : Math.max(...group.map(byFeeders))
}

/** Throws when the topics of a group differ. */
export function mustBeCopartitioned(group: CopartitionGroup, widthOf: (topic: TopicRef) => number): void {
  const widths = group.map(topic => ({ topic, width: widthOf(topic) }))
  const [first] = widths
  if (!first || widths.every(({ width }) => width === first.width)) return
  const list = widths.map(({ topic, width }) => `'${topic.name}' has ${width} (read by ${topic.node})`)
  throw new UsageError(
    `Topics that are joined must have equal numbers of partitions: ${list.join('; ')}. Give them the same number, or bring one to the ` +
      "other's with repartition({ partitions }).",
  )
}
