import type { BrokerParts } from '../../handler.ts'
import type { Groups } from '../groups.ts'
import { ClusterTopics } from '../topics-view.ts'
import { ConsumerGroups } from './consumer-groups.ts'
import { consumerSettings } from './consumer-settings.ts'

/** Consumer groups among the groups of this process. Before `Groups.load`. */
export function embeddedConsumerGroups(around: BrokerParts, groups: Groups): ConsumerGroups {
  const { clock, random, logger, config, cluster } = around
  const consumerGroups = new ConsumerGroups({
    clock,
    random,
    logger,
    log: groups.log,
    classic: groups.classic,
    topics: new ClusterTopics(cluster),
    settingsOf: groupId => consumerSettings(config, cluster.groupConfig(groupId)),
    findAny: groupId => groups.find(groupId),
  })
  groups.add(consumerGroups)
  return consumerGroups
}
