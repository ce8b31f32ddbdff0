import { groupSetting } from '../config/group-config.ts'
import type { GroupSettingName } from '../config/group-settings.ts'
import { CoordinatorLog } from '../coordinator-log/coordinator-log.ts'
import { coordinatorTopic } from '../coordinator-log/coordinator-topic.ts'
import type { Groups } from '../groups/index.ts'
import { ShareGroups } from '../groups/share/share-groups.ts'
import type { BrokerParts, BrokerServices } from '../handler.ts'
import { DeadLetters } from './dead-letters.ts'
import { SharePartitions } from './share-partitions.ts'
import { parsedOffsetReset, type ShareSettings } from './share-settings.ts'
import { type SharePartitionName, ShareStateImage, shareStateKind } from './share-state-records.ts'

const shareStateTopicName = '__share_group_state'

/** Share groups that live in this process's log. Their members come with the other groups; `sharePartitions.load` must come before. */
export function embeddedShares(
  around: BrokerParts & Pick<BrokerServices, 'leaderOf'>,
  groups: Groups,
): { shareGroups: ShareGroups; sharePartitions: SharePartitions } {
  const { clock, logger, config, cluster, topics } = around
  const settings = settingsByGroup(around)
  const deadLetters = new DeadLetters(around)
  const sharePartitions: SharePartitions = new SharePartitions({
    ...around,
    log: shareStateLog(around),
    settings,
    isKept: ({ groupId, topicId, index }: SharePartitionName) =>
      shareGroups.group(groupId)?.kept.get(topicId)?.partitions.includes(index) ?? false,
    died: partition => deadLetters.bury(partition),
  })
  const shareGroups = new ShareGroups({
    clock,
    logger,
    maxSize: () => config.get('group.share.max.size'),
    settings: groupId => ({
      sessionTimeoutMs: ofGroup('share.session.timeout.ms', groupId),
      heartbeatIntervalMs: ofGroup('share.heartbeat.interval.ms', groupId),
    }),
    topic: name => {
      const topic = cluster.topic(name)
      return topic && { id: topic.id, partitions: topic.partitions.length }
    },
    isTaken: groupId => (groups.find(groupId)?.type ?? 'share') !== 'share',
    memberGone: (groupId, memberId) => sharePartitions.memberGone(groupId, memberId),
    forgetProgress: groupId => sharePartitions.forgetGroup(groupId),
  })
  const ofGroup = (name: 'share.session.timeout.ms' | 'share.heartbeat.interval.ms', groupId: string): number =>
    groupSetting(name, cluster.groupConfig(groupId), config)
  groups.add(shareGroups)
  topics.onDelete(topic => {
    void Promise.all([shareGroups.topicDeleted(topic.id), sharePartitions.forgetTopic(topic.id)])
  })
  return { shareGroups, sharePartitions }
}

function shareStateLog({ engine, clock, logger, config, cluster, topics }: BrokerParts) {
  const topic = coordinatorTopic({ cluster, topics }, shareStateTopicName, () => ({
    partitions: config.get('share.coordinator.state.topic.num.partitions'),
    config: {
      'cleanup.policy': 'compact',
      'compression.type': 'producer',
      'segment.bytes': String(config.get('share.coordinator.state.topic.segment.bytes')),
    },
  }))
  return new CoordinatorLog({
    engine,
    clock,
    logger,
    topic,
    kind: shareStateKind,
    freshImage: () => new ShareStateImage(),
  })
}

/** They are looked at for every step, and change hardly ever. */
function settingsByGroup({ config, cluster }: BrokerParts): (groupId: string) => ShareSettings {
  const known = new Map<string, ShareSettings>()
  let version = cluster.version
  config.onChange(() => known.clear())
  return groupId => {
    if (version !== cluster.version) {
      version = cluster.version
      known.clear()
    }
    let settings = known.get(groupId)
    if (!settings) known.set(groupId, (settings = read(groupId)))
    return settings
  }

  function read(groupId: string): ShareSettings {
    const overrides = cluster.groupConfig(groupId)
    const get = <N extends GroupSettingName>(name: N) => groupSetting(name, overrides, config)
    return {
      rules: {
        lockMs: get('share.record.lock.duration.ms'),
        deliveryCountLimit: get('share.delivery.count.limit'),
        maxRecordLocks: get('share.partition.max.record.locks'),
        hasDeadLetters: get('errors.deadletterqueue.topic.name') !== '',
      },
      isolation: get('share.isolation.level') === 'read_committed' ? 'stable' : 'uncommitted',
      offsetReset: parsedOffsetReset(get('share.auto.offset.reset')) ?? 'latest',
      isRenewEnabled: get('share.renew.acknowledge.enable'),
    }
  }
}
