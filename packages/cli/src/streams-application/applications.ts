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
  if (found.group.state === 'Dead' && found.topics.length === 0) throw await unknownApplication(admin, id, signal)
  return found
}

/** It has neither a group nor topics of its own: tells of those that may have been meant. */
export async function unknownApplication(admin: Admin, id: string, signal: AbortSignal): Promise<UsageError> {
  const known = (await listApplications(admin, signal)).map(({ group }) => `'${group.groupId}'`).sort()
  return new UsageError(
    `There is no application '${id}': no group of that name, and no topics of its own. ` +
      `${known.length > 0 ? `There ${known.length === 1 ? 'is' : 'are'} ${known.join(', ')}` : 'No other is to be seen'}; ` +
      'one that has stopped and keeps no state is among the groups (`odradek group ls`).',
  )
}

async function describeApplication(admin: Admin, id: string, topics: readonly string[], signal: AbortSignal) {
  const group = await admin.groups.describe(id, { signal })
  return { group, topics: topics.filter(topic => internalTopicKind(topic, id) !== undefined) }
}

const isStreams = ({ type, protocol }: GroupDescription, topics: readonly string[]): boolean =>
  type === 'streams' || assignors.has(protocol) || (type === 'classic' && topics.length > 0)
