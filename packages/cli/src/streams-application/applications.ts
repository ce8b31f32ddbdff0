import type { Admin, GroupDescription } from '@odradek/client'
import { UsageError } from '@odradek/protocol'
import { internalTopicKind } from './internal-topics.ts'

/** Assignors of Streams applications in classic groups: Kafka Streams', and ours. */
const assignors: ReadonlySet<string> = new Set(['stream', 'odradek-streams'])

export interface Application {
  readonly group: GroupDescription
  /** Topics it keeps for itself. */
  readonly topics: readonly string[]
}

/**
 * Streams applications of a cluster: groups of the streams protocol (KIP-1071), and classic groups that divide tasks or have topics of
 * their own. A classic group that has stopped and keeps no topics cannot be told from any other.
 */
export async function listApplications(admin: Admin, signal: AbortSignal): Promise<Application[]> {
  const topics = (await Array.fromAsync(admin.topics.list({ signal }))).map(({ name }) => name)
  const groups = (await admin.groups.list({ signal })).filter(
    ({ type, protocolType }) => type === 'streams' || protocolType === 'consumer' || protocolType === '',
  )
  const described = await Promise.all(groups.map(({ groupId }) => describeApplication(admin, groupId, topics, signal)))
  return described.filter(({ group, topics }) => group.state !== 'Dead' && isStreams(group, topics))
}

/** Throws when there is neither a group nor topics of that name. */
export async function findApplication(admin: Admin, id: string, signal: AbortSignal): Promise<Application> {
  const topics = (await Array.fromAsync(admin.topics.list({ signal }))).map(({ name }) => name)
  const found = await describeApplication(admin, id, topics, signal)
  if (found.group.state === 'Dead' && found.topics.length === 0) throw unknownApplication(id)
  return found
}

/** It has neither a group nor topics of its own. */
export const unknownApplication = (id: string): UsageError =>
  new UsageError(`There is no application '${id}': \`odradek streams ls\` lists those there are.`)

async function describeApplication(admin: Admin, id: string, topics: readonly string[], signal: AbortSignal) {
  const group = await admin.groups.describe(id, { signal })
  return { group, topics: topics.filter(topic => internalTopicKind(topic, id) !== undefined) }
}

const isStreams = ({ type, protocol }: GroupDescription, topics: readonly string[]): boolean =>
  type === 'streams' || assignors.has(protocol) || (type === 'classic' && topics.length > 0)
