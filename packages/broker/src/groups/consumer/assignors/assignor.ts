import type { TopicPartitions } from '../../topic-partitions.ts'
import { range } from './range.ts'
import { uniform } from './uniform.ts'

/** Deals the partitions of the subscribed topics out among the members. Pure: the same question, the same answer. */
export type Assignor = (spec: AssignorSpec) => Assignments

export interface AssignorSpec {
  /** In the order in which they are served. */
  readonly members: ReadonlyMap<string, AssignorMember>
  /** Partitions of a topic, all numbers below. Every topic that somebody subscribes to has some. */
  partitionsOf(topicId: string): number
}

export interface AssignorMember {
  /** Sorted. */
  readonly topics: readonly string[]
  /** What the target was before, of which as much as possible shall stay. */
  readonly before: TopicPartitions
}

/** Every member has an entry. */
export type Assignments = ReadonlyMap<string, TopicPartitions>

/** By the names members ask for them; the first is the default. */
export const assignors: ReadonlyMap<string, Assignor> = new Map([
  ['uniform', uniform],
  ['range', range],
])

/** The assignor most members ask for; the broker's first one when nobody asks, and among equals the earlier. */
export function electedAssignor(votes: Iterable<string | null>, offered: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const vote of votes) if (vote !== null) counts.set(vote, (counts.get(vote) ?? 0) + 1)
  let elected = offered[0] ?? 'uniform'
  for (const name of offered) if ((counts.get(name) ?? 0) > (counts.get(elected) ?? 0)) elected = name
  return elected
}
