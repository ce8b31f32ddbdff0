import type { ConfigOverrides } from '../../cluster-store/cluster-store.ts'
import type { BrokerConfig } from '../../config/broker-config.ts'
import { groupSetting } from '../../config/group-config.ts'

/** The settings consumer groups act on. Those of Kafka that begin with `group.consumer.`, and what a group may have of its own. */
export interface ConsumerSettings {
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  /** Members a group may have; a classic group is not taken over when it has more. */
  readonly maxSize: number
  /** `group.max.size`: members a classic group may have, into which a group can turn. */
  readonly classicMaxSize: number
  /** Of the assignors we know those that members may ask for; the first is the default. */
  readonly assignors: readonly string[]
  readonly migration: 'bidirectional' | 'upgrade' | 'downgrade' | 'disabled'
  /** `group.min.session.timeout.ms`, `group.max.session.timeout.ms`: what members of the classic protocol may ask for. */
  readonly minClassicSessionTimeoutMs: number
  readonly maxClassicSessionTimeoutMs: number
}

export const defaultConsumerSettings: ConsumerSettings = {
  sessionTimeoutMs: 45_000,
  heartbeatIntervalMs: 5_000,
  maxSize: 2 ** 31 - 1,
  classicMaxSize: 2 ** 31 - 1,
  assignors: ['uniform', 'range'],
  migration: 'bidirectional',
  minClassicSessionTimeoutMs: 6_000,
  maxClassicSessionTimeoutMs: 1_800_000,
}

/** As they are now for a group. */
export function consumerSettings(config: BrokerConfig, overrides: ConfigOverrides): ConsumerSettings {
  return {
    sessionTimeoutMs: groupSetting('consumer.session.timeout.ms', overrides, config),
    heartbeatIntervalMs: groupSetting('consumer.heartbeat.interval.ms', overrides, config),
    maxSize: config.get('group.consumer.max.size'),
    classicMaxSize: config.get('group.max.size'),
    assignors: config.get('group.consumer.assignors'),
    migration: config.get('group.consumer.migration.policy') as ConsumerSettings['migration'],
    minClassicSessionTimeoutMs: config.get('group.min.session.timeout.ms'),
    maxClassicSessionTimeoutMs: config.get('group.max.session.timeout.ms'),
  }
}
