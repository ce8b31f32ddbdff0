import type { BrokerConfig } from '../config/broker-config.ts'
import type { BrokerParts } from '../handler.ts'
import { defaultGroupSettings, type GroupSettings } from './group-settings.ts'
import { Groups } from './groups.ts'
import { LogGroupStore, type OffsetsTopic } from './log-group-store.ts'

export const offsetsTopicName = '__consumer_offsets'

/**
 * Groups that live in this process's log. Call after the topics are open; `Groups.load` then reads what was stored, and until it has,
 * requests are answered with COORDINATOR_LOAD_IN_PROGRESS.
 */
export function embeddedGroups(around: BrokerParts): Groups {
  const { clock, random, logger, config, engine, topics } = around
  const store = new LogGroupStore({ engine, clock, logger, topic: offsetsTopic(around) })
  const groups = new Groups({ clock, random, logger, settings: groupSettings(config), store })
  topics.onDelete(topic => {
    groups
      .topicDeleted(topic.name)
      .catch(error => logger.warn({ topic: topic.name, error }, 'offsets of a deleted topic remain'))
  })
  return groups
}

/** Made when the first group stores something; its number of partitions never changes after that, whatever the setting says. */
function offsetsTopic({ config, cluster, topics }: BrokerParts): OffsetsTopic {
  return {
    existing: () => cluster.topic(offsetsTopicName)?.partitions.map(partition => partition.id) ?? null,
    async ensure() {
      const topic = await topics.ensure({
        name: offsetsTopicName,
        partitions: config.get('offsets.topic.num.partitions'),
        config: {
          'cleanup.policy': 'compact',
          'compression.type': 'producer',
          'segment.bytes': String(config.get('offsets.topic.segment.bytes')),
        },
      })
      return topic.partitions.map(partition => partition.id)
    },
  }
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
