import type { BrokerConfig } from '../config/broker-config.ts'
import { type CoordinatorTopic, coordinatorTopic } from '../coordinator-log/coordinator-topic.ts'
import type { BrokerParts } from '../handler.ts'
import { groupLog } from './group-log.ts'
import { defaultGroupSettings, type GroupSettings } from './group-settings.ts'
import { Groups } from './groups.ts'

export const offsetsTopicName = '__consumer_offsets'

/**
 * Groups that live in this process's log. Call after the topics are open; `Groups.load` then reads what was stored, and until it has,
 * requests are answered with COORDINATOR_LOAD_IN_PROGRESS.
 */
export function embeddedGroups(around: BrokerParts): Groups {
  const { clock, random, logger, config, engine, topics } = around
  const log = groupLog({ engine, clock, logger, topic: offsetsTopic(around) })
  const groups = new Groups({ clock, random, logger, settings: groupSettings(config), log })
  topics.onDelete(topic => {
    groups
      .topicDeleted(topic.name)
      .catch(error => logger.warn({ topic: topic.name, error }, 'offsets of a deleted topic remain'))
  })
  return groups
}

/**
 * How long compaction leaves tombstones and markers. Only a start reads this topic, and never from where it stopped before: with a
 * thousand transactions a second a day of markers would be 7 GB, and a start a minute and a half longer.
 */
const deleteRetentionMs = 600_000

function offsetsTopic({ config, cluster, topics }: BrokerParts): CoordinatorTopic {
  return coordinatorTopic({ cluster, topics }, offsetsTopicName, () => ({
    partitions: config.get('offsets.topic.num.partitions'),
    config: {
      'cleanup.policy': 'compact',
      'compression.type': 'producer',
      'delete.retention.ms': String(deleteRetentionMs),
      'segment.bytes': String(config.get('offsets.topic.segment.bytes')),
    },
  }))
}

/** Read anew each time, since some of them change while the broker runs. */
function groupSettings(config: BrokerConfig): GroupSettings {
  return {
    ...defaultGroupSettings,
    get minSessionTimeoutMs() {
      return config.get('group.min.session.timeout.ms')
    },
    get maxSessionTimeoutMs() {
      return config.get('group.max.session.timeout.ms')
    },
    get initialRebalanceDelayMs() {
      return config.get('group.initial.rebalance.delay.ms')
    },
    get maxSize() {
      return config.get('group.max.size')
    },
    get offsetMetadataMaxBytes() {
      return config.get('offset.metadata.max.bytes')
    },
    get offsetsRetentionMs() {
      return config.get('offsets.retention.minutes') * 60_000
    },
    get offsetsRetentionCheckIntervalMs() {
      return config.get('offsets.retention.check.interval.ms')
    },
  }
}
