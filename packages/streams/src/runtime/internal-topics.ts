import { UsageError } from '@odradek/protocol'
import { changelogOf } from '../state/state-store.ts'
import { type TopicRef, topicName, topicsReadBy } from '../topology/node-spec.ts'
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

export interface TopicsThatAre {
  /** How many partitions a topic of the user's has; 0: it does not exist, which is an error here and not later. */
  widths(topic: string): number
  /** Where sources read by expression: among which topics. */
  readonly present?: readonly string[]
}

/** A sub-topology, and the topics that its sources stand for. */
interface Part {
  readonly subtopology: Subtopology
  readonly reads: readonly TopicRef[]
  readonly writes: readonly TopicRef[]
}

/**
 * Repartition topics are as wide as the widest topic that feeds the sub-topology which writes them, changelogs as the sub-topology has
 * tasks.
 */
export function internalTopics(
  topology: Topology,
  applicationId: string,
  { widths, present = [] }: TopicsThatAre,
  topicConfig: Readonly<Record<string, string>> = {},
): InternalTopic[] {
  const parts = topology.subtopologies().map(subtopology => ({
    subtopology,
    reads: subtopology.sources.flatMap(source => topicsReadBy(source, present)),
    writes: subtopology.sinkTopics,
  }))
  const width = widthsOfAll(parts, widths, copartitionGroups(topology, present))
  const repartitions = parts
    .flatMap(({ reads }) => reads.filter(topic => topic.internal))
    .map(topic => ({
      name: topicName(topic, applicationId),
      partitions: width(topic.name),
      config: { ...repartitionConfig, ...topicConfig },
    }))
  const changelogs = parts.flatMap(part => {
    const { stores } = part.subtopology
    if (!stores.some(({ changelog }) => changelog)) return []
    const tasks = widest(
      part,
      part.reads.map(topic => width(topic.name)),
    )
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
  parts: readonly Part[],
  widths: (topic: string) => number,
  groups: readonly CopartitionGroup[],
): (topic: string) => number {
  const known = new Map<string, number>()
  const wishes = wishedWidths(parts)
  /** As many as the widest topic that feeds it. */
  const fed = (topic: string, below: readonly string[]): number =>
    Math.max(
      ...parts
        .filter(({ writes }) => writes.some(sink => sink.name === topic))
        .map(part =>
          widest(
            part,
            part.reads.map(source => widthOf(source.name, source.internal, [...below, topic])),
          ),
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
  for (const { reads } of parts) for (const { name, internal } of reads) widthOf(name, internal, [])
  for (const group of groups) mustBeCopartitioned(group, ({ name }) => known.get(name)!)
  return topic => known.get(topic)!
}

function widest({ subtopology }: Part, widths: readonly number[]): number {
  if (widths.length > 0) return Math.max(...widths)
  const sources = subtopology.sources.map(({ name, topics }) => `${String(topics)} (read by ${name})`)
  throw new UsageError(
    `There is no topic that matches ${sources.join(', ')}: how many partitions the application's own topics must have cannot be told. ` +
      'Create one before the application starts.',
  )
}

/** Of `repartition({ partitions })`: a source, or the sink that feeds it, says how many. */
function wishedWidths(parts: readonly Part[]): Map<string, number> {
  const wishes = new Map<string, number>()
  for (const { reads, writes } of parts)
    for (const { name, partitions } of [...reads, ...writes]) if (partitions !== undefined) wishes.set(name, partitions)
  return wishes
}
