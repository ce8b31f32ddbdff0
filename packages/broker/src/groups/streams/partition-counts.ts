/**
 * How many partitions the topics have that a streams application keeps for itself. Topics that must be joined record by record have as
 * many as each other; whatever an application writes to read it again has as many as what it was made of.
 */
import { ErrorCodes } from '@odradek/protocol'
import { Refusal } from '../../refusal.ts'
import { type CopartitionGroup, type Subtopology, type Topology, topicsReadBy } from './topology.ts'

/** Topics that are there do not fit the topology: it waits until they do. */
export class MisfitTopics extends Error {}

/** Of a topic that exists. */
type Existing = (topic: string) => number | undefined

/** By name. Throws MisfitTopics, or a Refusal for a topology that can never be right. All topics of users must exist. */
export function partitionCounts(topology: Topology, existing: Existing): ReadonlyMap<string, number> {
  const counts = repartitionCounts(topology, existing)
  const countOf = (topic: string) => existing(topic) ?? counts.get(topic)
  const internal = new Map(
    topology.subtopologies.flatMap(({ repartitionSourceTopics }) =>
      repartitionSourceTopics.map(({ name, partitions }) => [name, partitions !== 0] as const),
    ),
  )
  for (const subtopology of topology.subtopologies)
    for (const group of subtopology.copartitionGroups)
      copartition(members(subtopology, group), internal, countOf, counts)
  for (const subtopology of topology.subtopologies) {
    const tasks = tasksOfSubtopology(subtopology, countOf)
    for (const { name } of subtopology.stateChangelogTopics)
      if (!subtopology.sourceTopics.includes(name)) counts.set(name, tasks)
  }
  return counts
}

/** As many tasks as the largest topic it reads has partitions. */
export function tasksOfSubtopology(subtopology: Subtopology, countOf: Existing): number {
  const read = topicsReadBy(subtopology)
  if (read.length === 0) invalid(`No source topics found for subtopology ${subtopology.subtopologyId}`)
  return Math.max(...read.map(name => countOf(name) ?? invalid(`No partition count for source topic ${name}`)))
}

/** Said by the application, or as many as the largest topic has that is read where it is written. */
function repartitionCounts({ subtopologies }: Topology, existing: Existing): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { repartitionSourceTopics } of subtopologies)
    for (const { name, partitions } of repartitionSourceTopics) if (partitions !== 0) counts.set(name, partitions)
  const sinks = subtopologies.flatMap(written => written.repartitionSinkTopics.map(name => ({ name, written })))
  let open = sinks.filter(({ name }) => !counts.has(name))
  while (open.length > 0) {
    for (const { name, written } of open) {
      const candidates = [
        ...written.repartitionSourceTopics.map(topic => counts.get(topic.name)),
        ...written.sourceTopics.map(existing),
      ].filter(count => count !== undefined)
      if (candidates.length > 0 && !counts.has(name)) counts.set(name, Math.max(...candidates))
    }
    const left = open.filter(({ name }) => !counts.has(name))
    if (left.length === open.length)
      invalid(
        'Failed to compute number of partitions for all repartition topics. There may be loops in the topology that cannot be resolved.',
      )
    open = left
  }
  for (const { repartitionSourceTopics } of subtopologies)
    if (repartitionSourceTopics.some(({ name }) => !counts.has(name)))
      invalid(
        'Failed to compute number of partitions for all repartition topics, because a repartition source topic is never used as a sink topic.',
      )
  return counts
}

function members(subtopology: Subtopology, { sourceTopics, repartitionSourceTopics }: CopartitionGroup): string[] {
  const wrong = () =>
    invalid(`A copartition group of subtopology ${subtopology.subtopologyId} names a topic that it does not read.`)
  return [
    ...sourceTopics.map(index => subtopology.sourceTopics[index] ?? wrong()),
    ...repartitionSourceTopics.map(index => subtopology.repartitionSourceTopics[index]?.name ?? wrong()),
  ]
}

/** `internal`: repartition topics, and whether the application says how many partitions each has. */
function copartition(
  group: readonly string[],
  internal: ReadonlyMap<string, boolean>,
  countOf: Existing,
  counts: Map<string, number>,
): void {
  if (group.length === 0) return
  const known = new Map(
    group.map(name => [name, countOf(name) ?? invalid(`Number of partitions is not set for topic: ${name}`)]),
  )
  const ours = group.filter(name => internal.has(name))
  const users = group.filter(name => !internal.has(name))
  const fixed = ours.filter(name => internal.get(name))
  const leading = users.length > 0 ? users : fixed
  const wanted = leading.length > 0 ? known.get(leading[0]!)! : Math.max(...known.values())
  if (leading.some(name => known.get(name) !== wanted)) {
    const counted = Array.from(leading.toSorted(), name => `${name}=${known.get(name)}`)
    throw new MisfitTopics(`Following topics do not have the same number of partitions: [{${counted.join(', ')}}]`)
  }
  for (const name of ours) {
    counts.set(name, wanted)
    if (!internal.get(name) || known.get(name) === wanted) continue
    const sentence = `Number of partitions [${known.get(name)}] of repartition topic [${name}] doesn't match number of partitions [${wanted}] of the source topic.`
    throw new MisfitTopics(sentence)
  }
}

export function invalid(sentence: string): never {
  throw new Refusal(ErrorCodes.STREAMS_INVALID_TOPOLOGY, sentence)
}
