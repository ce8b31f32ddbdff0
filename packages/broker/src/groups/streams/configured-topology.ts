import type { NewTopic } from '../../topics.ts'
import type { TopicsView } from '../topics-view.ts'
import { MisfitTopics, partitionCounts, tasksOfSubtopology } from './partition-counts.ts'
import { type Subtopology, type TopicInfo, type Topology, topicsReadBy } from './topology.ts'

/** What a member is told of its group that it cannot see by itself. The numbers are the protocol's. */
export const Statuses = {
  STALE_TOPOLOGY: 0,
  MISSING_SOURCE_TOPICS: 1,
  INCORRECTLY_PARTITIONED_TOPICS: 2,
  MISSING_INTERNAL_TOPICS: 3,
  SHUTDOWN_APPLICATION: 4,
  ASSIGNMENT_DELAYED: 5,
} as const

export interface Status {
  readonly statusCode: number
  readonly statusDetail: string
}

/** A topology held against the topics there are. */
export interface ConfiguredTopology {
  readonly topology: Topology
  /** Of the cluster's topics, when it was looked. */
  readonly topicsVersion: number
  /** Why there can be no tasks yet; null: there are. */
  readonly problem: Status | null
  readonly subtopologies: ReadonlyMap<string, ConfiguredSubtopology>
  /** Topics it needs that this broker makes. */
  readonly missing: readonly InternalTopic[]
}

export interface ConfiguredSubtopology {
  readonly tasks: number
  /** It has something to lose when a task moves. */
  readonly isStateful: boolean
  /** As said, with numbers of partitions. */
  readonly described: Subtopology
  /** The topics its tasks read, with their partitions. */
  readonly reads: ReadonlyMap<string, number>
}

export interface InternalTopic extends NewTopic {
  readonly replicationFactor: number
}

/** Throws a Refusal for a topology that can never be right. */
export function configure(topology: Topology, topics: TopicsView): ConfiguredTopology {
  const topicsVersion = topics.version
  const failed = (statusCode: number, statusDetail: string): ConfiguredTopology => ({
    topology,
    topicsVersion,
    problem: { statusCode, statusDetail },
    subtopologies: new Map(),
    missing: [],
  })
  const users = new Set(topology.subtopologies.flatMap(({ sourceTopics }) => sourceTopics))
  for (const { repartitionSourceTopics } of topology.subtopologies)
    for (const { name } of repartitionSourceTopics) users.delete(name)
  const gone = [...users].filter(name => !topics.named(name))
  if (gone.length > 0) return failed(Statuses.MISSING_SOURCE_TOPICS, `Source topics ${listed(gone)} are missing.`)
  const existing = (name: string) => topics.named(name)?.partitions
  try {
    const counts = partitionCounts(topology, existing)
    const missing = missingTopics(topology, counts, existing)
    const detail = `Internal topics are missing: ${listed(missing.map(({ name }) => name))}`
    const problem = { statusCode: Statuses.MISSING_INTERNAL_TOPICS, statusDetail: detail }
    const subtopologies = configured(topology, counts, existing)
    return { topology, topicsVersion, problem: missing.length > 0 ? problem : null, subtopologies, missing }
  } catch (error) {
    if (!(error instanceof MisfitTopics)) throw error
    return failed(Statuses.INCORRECTLY_PARTITIONED_TOPICS, error.message)
  }
}

type Counts = ReadonlyMap<string, number>
type Existing = (topic: string) => number | undefined

function configured(topology: Topology, counts: Counts, existing: Existing): ConfiguredTopology['subtopologies'] {
  const countOf = (name: string) => existing(name) ?? counts.get(name)
  const counted = (info: TopicInfo): TopicInfo => ({ ...info, partitions: countOf(info.name) ?? info.partitions })
  return new Map(
    topology.subtopologies.map(said => {
      const described = {
        ...said,
        repartitionSourceTopics: said.repartitionSourceTopics.map(counted),
        stateChangelogTopics: said.stateChangelogTopics.map(counted),
      }
      const subtopology: ConfiguredSubtopology = {
        tasks: tasksOfSubtopology(said, countOf),
        isStateful: said.stateChangelogTopics.length > 0,
        described,
        reads: new Map(topicsReadBy(said).map(name => [name, countOf(name)!])),
      }
      return [said.subtopologyId, subtopology] as const
    }),
  )
}

function missingTopics(topology: Topology, counts: Counts, existing: Existing): InternalTopic[] {
  const missing = new Map<string, InternalTopic>()
  for (const { repartitionSourceTopics, stateChangelogTopics } of topology.subtopologies)
    for (const { name, replicationFactor, topicConfigs } of [...repartitionSourceTopics, ...stateChangelogTopics]) {
      const partitions = counts.get(name)
      if (partitions === undefined) continue
      const found = existing(name)
      if (found !== undefined && found !== partitions) {
        const sentence = `Existing topic ${name} has different number of partitions: expected ${partitions}, found ${found}`
        throw new MisfitTopics(sentence)
      }
      const config = Object.fromEntries(topicConfigs.map(({ key, value }) => [key, value]))
      if (found === undefined) missing.set(name, { name, partitions, config, replicationFactor })
    }
  return [...missing.values()]
}

const longestList = 5

function listed(names: readonly string[]): string {
  const shown = names.toSorted().slice(0, longestList)
  const more = names.length - shown.length
  return more > 0 ? `${shown.join(', ')} and ${more} additional topics` : shown.join(', ')
}
