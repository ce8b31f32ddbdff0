import { isDeepStrictEqual } from 'node:util'

/** What a streams application is made of, as its members say it: subtopologies, the topics they read, and those kept for them. */
export interface Topology {
  readonly epoch: number
  /** Sorted by id. */
  readonly subtopologies: readonly Subtopology[]
}

/** Mutable, as messages and records are; nobody changes one that he was given. */
export interface Subtopology {
  subtopologyId: string
  sourceTopics: string[]
  sourceTopicRegex: string[]
  stateChangelogTopics: TopicInfo[]
  repartitionSinkTopics: string[]
  repartitionSourceTopics: TopicInfo[]
  copartitionGroups: CopartitionGroup[]
}

export interface TopicInfo {
  name: string
  /** 0: not said. */
  partitions: number
  /** 0: the broker's default. */
  replicationFactor: number
  topicConfigs: { key: string; value: string }[]
}

/** Topics with as many partitions each, by their places in the lists of their subtopology. */
export interface CopartitionGroup {
  sourceTopics: number[]
  sourceTopicRegex: number[]
  repartitionSourceTopics: number[]
}

export function topologyOf({
  epoch,
  subtopologies,
}: {
  epoch: number
  subtopologies: readonly Subtopology[]
}): Topology {
  const byId = subtopologies.toSorted((one, other) => (one.subtopologyId < other.subtopologyId ? -1 : 1))
  return { epoch, subtopologies: byId }
}

export const sameTopology = (one: Topology, other: Topology): boolean => isDeepStrictEqual(one, other)

/** The topics it reads: those of its users, and those it writes to itself to have them partitioned anew. */
export const topicsRead = ({ subtopologies }: Topology): Set<string> => new Set(subtopologies.flatMap(topicsReadBy))

export const topicsReadBy = ({ sourceTopics, repartitionSourceTopics }: Subtopology): string[] => [
  ...sourceTopics,
  ...repartitionSourceTopics.map(({ name }) => name),
]

export function requiredTopics(topology: Topology): Set<string> {
  const names = topicsRead(topology)
  for (const { stateChangelogTopics } of topology.subtopologies)
    for (const { name } of stateChangelogTopics) names.add(name)
  return names
}
