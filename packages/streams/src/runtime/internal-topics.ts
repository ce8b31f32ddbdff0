import { UsageError } from '@odradek/protocol'
import { changelogOf } from '../state/state-store.ts'
import { topicName } from '../topology/node-spec.ts'
import type { Subtopology, Topology } from '../topology/topology.ts'
import { adoptedWidth, type CopartitionGroup, copartitionGroups, mustBeCopartitioned } from './copartition.ts'

/** A topic the application makes for itself. */
export interface InternalTopic {
  readonly name: string
  readonly partitions: number
  readonly config: Readonly<Record<string, string>>
}

/** As Kafka Streams configures them (streams facts 3.2). */
const repartitionConfig = {
  'cleanup.policy': 'delete',
  'segment.bytes': '52428800',
  'retention.ms': '-1',
  'message.timestamp.type': 'CreateTime',
}

/**
 * Repartition topics are as wide as the widest topic that feeds the sub-topology which writes them, changelogs as the sub-topology has
 * tasks. `widths` says how many partitions a topic of the user's has; 0: it does not exist, which is an error here and not later.
 */
export function internalTopics(
  topology: Topology,
  applicationId: string,
  widths: (topic: string) => number,
  topicConfig: Readonly<Record<string, string>> = {},
): InternalTopic[] {
  const subtopologies = topology.subtopologies()
  const width = widthsOfAll(subtopologies, widths, copartitionGroups(topology))
  const repartitions = subtopologies
    .flatMap(({ sourceTopics }) => sourceTopics.filter(topic => topic.internal))
    .map(topic => ({
      name: topicName(topic, applicationId),
      partitions: width(topic.name),
      config: { ...repartitionConfig, ...topicConfig },
    }))
  const changelogs = subtopologies.flatMap(({ sourceTopics, stores }) => {
    const tasks = Math.max(...sourceTopics.map(topic => width(topic.name)))
    return stores.flatMap(store =>
      store.changelog
        ? [
            {
              name: `${applicationId}-${changelogOf(store)}`,
              partitions: tasks,
              config: { ...topicConfig, ...store.changelog.config },
            },
          ]
        : [],
    )
  })
  return [...new Map([...repartitions, ...changelogs].map(topic => [topic.name, topic])).values()]
}

/** Widths flow from the user's topics down; a repartition topic's is known once those above it are. */
function widthsOfAll(
  subtopologies: readonly Subtopology[],
  widths: (topic: string) => number,
  groups: readonly CopartitionGroup[],
): (topic: string) => number {
  const known = new Map<string, number>()
  const wishes = wishedWidths(subtopologies)
  /** As many as the widest topic that feeds it. */
  const fed = (topic: string, below: readonly string[]): number =>
    Math.max(
      ...subtopologies
        .filter(({ sinkTopics }) => sinkTopics.some(sink => sink.name === topic))
        .flatMap(({ sourceTopics }) =>
          sourceTopics.map(source => widthOf(source.name, source.internal, [...below, topic])),
        ),
    )
  const widthOf = (topic: string, internal: boolean, below: readonly string[]): number => {
    const found = known.get(topic)
    if (found !== undefined) return found
    if (below.includes(topic))
      throw new UsageError(`Repartition topic '${topic}' feeds itself; its number of partitions cannot be told.`)
    const group = groups.find(refs => refs.some(({ name }) => name === topic)) ?? []
    const byFeeders = ({ name }: { name: string }) => fed(name, below)
    const adopted = () =>
      adoptedWidth(group, ({ name, internal }) => widthOf(name, internal, [...below, topic]), byFeeders)
    const width = internal ? (wishes.get(topic) ?? (group.length > 1 ? adopted() : fed(topic, below))) : widths(topic)
    if (width === 0)
      throw new UsageError(
        `Source topic '${topic}' does not exist. Create it before the application starts: odradek topic create ${topic}`,
      )
    known.set(topic, width)
    return width
  }
  for (const { sourceTopics } of subtopologies)
    for (const { name, internal } of sourceTopics) widthOf(name, internal, [])
  for (const group of groups) mustBeCopartitioned(group, ({ name }) => known.get(name)!)
  return topic => known.get(topic)!
}

/** Of `repartition({ partitions })`: a source, or the sink that feeds it, says how many. */
function wishedWidths(subtopologies: readonly Subtopology[]): Map<string, number> {
  const wishes = new Map<string, number>()
  for (const { sourceTopics, sinkTopics } of subtopologies)
    for (const { name, partitions } of [...sourceTopics, ...sinkTopics])
      if (partitions !== undefined) wishes.set(name, partitions)
  return wishes
}
