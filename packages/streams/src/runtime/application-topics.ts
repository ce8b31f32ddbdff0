import { type Admin, UsageError } from '@odradek/client'
import { topicName, topicsReadBy } from '../topology/node-spec.ts'
import type { Topology } from '../topology/topology.ts'
import { internalTopics } from './internal-topics.ts'

export interface ApplicationTopics {
  /** By the name a topic has at the brokers. */
  readonly widths: ReadonlyMap<string, number>
  readonly repartitions: ReadonlySet<string>
  /** Which node reads a topic of the user's. */
  readonly readers: ReadonlyMap<string, string>
  /** Whether it keeps topics of its own, whose number of partitions is settled. */
  readonly isFixed: boolean
}

export interface PrepareTopicsOptions {
  topology: Topology
  applicationId: string
  admin: Admin
  /** -1: as the brokers are configured. */
  replicationFactor: number
  /** Of internal topics, below what each of them wants. */
  topicConfig: Readonly<Record<string, string>>
  /** 0: there is no such topic. */
  partitionsOf(topic: string): Promise<number>
}

/** Names of all topics, asked for where sources read by expression. */
async function presentTopics({ topology, admin }: PrepareTopicsOptions): Promise<string[]> {
  if (!patternsOf(topology).length) return []
  return (await Array.fromAsync(admin.topics.list())).map(({ name }) => name)
}

const patternsOf = (topology: Topology): RegExp[] =>
  topology
    .subtopologies()
    .flatMap(({ sources }) => sources.map(({ topics }) => topics).filter(topics => topics instanceof RegExp))

/**
 * Looks at the topics an application reads, makes those it keeps for itself, and refuses those that do not fit. Any number of
 * instances may do so at once.
 */
export async function prepareTopics(options: PrepareTopicsOptions): Promise<ApplicationTopics> {
  const { topology, applicationId, admin, partitionsOf, replicationFactor, topicConfig } = options
  const present = await presentTopics(options)
  const sources = topology
    .subtopologies()
    .flatMap(subtopology => subtopology.sources.flatMap(source => topicsReadBy(source, present)))
  const widths = new Map<string, number>()
  for (const { name, internal } of sources) if (!internal) widths.set(name, await partitionsOf(name))
  const there = { present, widths: (topic: string) => widths.get(topic)! }
  const wanted = internalTopics(topology, applicationId, there, topicConfig)
  const found = await Promise.all(wanted.map(({ name }) => partitionsOf(name)))
  const missing = wanted.filter((_, i) => found[i] === 0)
  const made = await admin.topics.create(
    missing.map(topic => ({ ...topic, replicationFactor })),
    { ifNotExists: true },
  )
  for (const [i, { name, partitions }] of wanted.entries()) {
    const width = found[i] || made.find(topic => topic.name === name)!.partitions
    mustBe(name, partitions, width)
    widths.set(name, width)
  }
  const repartitions = new Set(sources.filter(topic => topic.internal).map(topic => topicName(topic, applicationId)))
  return { widths, repartitions, readers: readersOf(topology), isFixed: wanted.length > 0 }
}

function readersOf(topology: Topology): Map<string, string> {
  const readers = new Map<string, string>()
  for (const node of topology.subtopologies().flatMap(({ nodes }) => nodes))
    if (node.kind === 'source' && !(node.topics instanceof RegExp))
      for (const { name, internal } of node.topics) if (!internal) readers.set(name, node.name)
  return readers
}

const beginAnew = 'delete its internal topics and reset its offsets (`odradek streams reset` does both)'

/** Keys are where they are by the number of partitions: another number means that state and records do not meet. */
function mustBe(topic: string, wanted: number, found: number): void {
  if (found === wanted) return
  throw new UsageError(
    `Internal topic '${topic}' has ${found} partitions and must have ${wanted}, as many as the topics that feed it have now. Stop all instances, ` +
      `${beginAnew}, and start again; or start under another application id, which leaves the old state where it is.`,
  )
}

/** A topic that is read has been deleted while the application runs, or enlarged, where internal topics are as wide as it was. */
export function mustStillFit(
  { widths, readers, repartitions, isFixed }: ApplicationTopics,
  partitionsOf: (topic: string) => number,
): void {
  for (const [topic, before] of widths) {
    const now = partitionsOf(topic)
    if (now === 0 && readers.has(topic))
      throw new UsageError(
        `Source topic '${topic}', read by ${readers.get(topic)}, was deleted while the application runs. Create it and start the instances again: ` +
          `odradek topic create ${topic}`,
      )
    if (now === 0 && repartitions.has(topic))
      throw new UsageError(
        `Repartition topic '${topic}' was deleted while the application runs, and what was in it is lost. ` +
          'Stop all instances and start them again: it is made anew. To process its input once more, reset the offsets of the application.',
      )
    if (isFixed && now > before)
      throw new UsageError(
        `Topic '${topic}' has ${now} partitions now; ${readers.get(topic) ?? 'the application'} reads it, and when it began there were ${before}: state is divided by them. ` +
          `Stop all instances, ${beginAnew}, and start again.`,
      )
  }
}

/** Topics that match an expression have come while the application runs: they must fit those that were there. */
export function matchesMustFit(
  topology: Topology,
  applicationId: string,
  { widths: known }: ApplicationTopics,
  there: { present: readonly string[]; widths(topic: string): number },
): void {
  const patterns = patternsOf(topology)
  if (patterns.length === 0 || !patterns.every(pattern => there.present.some(name => pattern.test(name)))) return
  for (const { name, partitions } of internalTopics(topology, applicationId, there))
    if (partitions > known.get(name)!) mustBe(name, partitions, known.get(name)!)
}
