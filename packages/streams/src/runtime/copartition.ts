import { UsageError } from '@odradek/protocol'
import type { TopicRef } from '../topology/node-spec.ts'
import type { Topology } from '../topology/topology.ts'

/** Topics whose records are joined: a key must have the same partition number in each (streams facts 2.27). */
export type CopartitionGroup = readonly TopicRef[]

export function copartitionGroups(topology: Topology): CopartitionGroup[] {
  const topics = new Map<string, readonly TopicRef[]>()
  for (const node of topology.nodes)
    if (node.kind === 'source' && !(node.topics instanceof RegExp)) topics.set(node.name, node.topics)
  return topology.copartitions.map(sources => {
    const all = sources.flatMap(source => topics.get(source) ?? [])
    return [...new Map(all.map(topic => [topic.name, topic])).values()]
  })
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
  const list = widths.map(({ topic, width }) => `'${topic.name}' has ${width}`).join(', ')
  throw new UsageError(
    `Topics that are joined must have equal numbers of partitions: ${list}. Give them the same number, or bring one to the other's with repartition({ partitions }).`,
  )
}
