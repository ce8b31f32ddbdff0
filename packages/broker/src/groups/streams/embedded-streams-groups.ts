import type { BrokerParts } from '../../handler.ts'
import type { Groups } from '../groups.ts'
import { ClusterTopics } from '../topics-view.ts'
import type { InternalTopic } from './configured-topology.ts'
import { StreamsGroups } from './streams-groups.ts'
import { streamsSettings } from './streams-settings.ts'

/** Streams groups among the groups of this process. Before `Groups.load`. */
export function embeddedStreamsGroups(around: BrokerParts, groups: Groups): StreamsGroups {
  const { clock, logger, config, cluster, topics } = around
  const streamsGroups = new StreamsGroups({
    clock,
    logger,
    log: groups.log,
    classic: groups.classic,
    topics: new ClusterTopics(cluster),
    settingsOf: groupId => streamsSettings(config, cluster.groupConfig(groupId)),
    findAny: groupId => groups.find(groupId),
    makeTopics: missing => makeTopics(missing, topics),
  })
  groups.add(streamsGroups)
  return streamsGroups
}

/** Why some could not be made, or null. */
async function makeTopics(missing: readonly InternalTopic[], topics: BrokerParts['topics']): Promise<string | null> {
  const made = await Promise.allSettled(missing.map(async topic => makeTopic(topic, topics)))
  const failures = made.flatMap(({ status, ...rest }, i) => {
    if (status === 'fulfilled') return []
    const { reason } = rest as PromiseRejectedResult
    return [`[${missing[i]!.name}: ${reason instanceof Error ? reason.message : reason}]`]
  })
  return failures.length > 0 ? failures.join(', ') : null
}

async function makeTopic({ replicationFactor, ...topic }: InternalTopic, topics: BrokerParts['topics']): Promise<void> {
  if (replicationFactor > 1)
    throw new Error(`Replication factor ${replicationFactor} cannot be had: every partition has one replica.`)
  await topics.ensure(topic)
}
