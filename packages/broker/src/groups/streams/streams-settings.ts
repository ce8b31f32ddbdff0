import type { ConfigOverrides } from '../../cluster-store/cluster-store.ts'
import type { BrokerConfig } from '../../config/broker-config.ts'
import { groupSetting } from '../../config/group-config.ts'

/** The settings streams groups act on. Those of Kafka that begin with `group.streams.`, and what a group may have of its own. */
export interface StreamsSettings {
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly maxSize: number
  /** Copies of every task that keeps state, in other processes. */
  readonly numStandbyReplicas: number
  /** How long the first members of a group wait for more before anything is dealt. */
  readonly initialRebalanceDelayMs: number
}

export const defaultStreamsSettings: StreamsSettings = {
  sessionTimeoutMs: 45_000,
  heartbeatIntervalMs: 5_000,
  maxSize: 2 ** 31 - 1,
  numStandbyReplicas: 0,
  initialRebalanceDelayMs: 0,
}

/** As they are now for a group. */
export function streamsSettings(config: BrokerConfig, overrides: ConfigOverrides): StreamsSettings {
  return {
    sessionTimeoutMs: groupSetting('streams.session.timeout.ms', overrides, config),
    heartbeatIntervalMs: groupSetting('streams.heartbeat.interval.ms', overrides, config),
    maxSize: config.get('group.streams.max.size'),
    numStandbyReplicas: groupSetting('streams.num.standby.replicas', overrides, config),
    initialRebalanceDelayMs: groupSetting('streams.initial.rebalance.delay.ms', overrides, config),
  }
}
