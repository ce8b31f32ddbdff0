import type { Setting } from './setting.ts'

/**
 * The settings of a group, with Kafka's names and defaults. `broker` names the broker's setting that a group falls back to; where there is one,
 * it has the default. `bounds`: the broker's settings that say how small and how large a group's may be.
 */
export const groupSettings = {
  'consumer.heartbeat.interval.ms': {
    type: 'int',
    default: 5000,
    broker: { 'group.consumer.heartbeat.interval.ms': 1 },
    bounds: ['group.consumer.min.heartbeat.interval.ms', 'group.consumer.max.heartbeat.interval.ms'],
    doc: 'How often members of a consumer group are told to send heartbeats.',
  },
  'consumer.session.timeout.ms': {
    type: 'int',
    default: 45_000,
    broker: { 'group.consumer.session.timeout.ms': 1 },
    bounds: ['group.consumer.min.session.timeout.ms', 'group.consumer.max.session.timeout.ms'],
    doc: 'How long a member of a consumer group may be silent.',
  },
  'errors.deadletterqueue.copy.record.enable': {
    type: 'boolean',
    default: false,
    doc: 'Whether a dead letter holds key, value and headers of its record, or only says where that was (KIP-1191).',
  },
  'errors.deadletterqueue.topic.name': {
    type: 'string',
    default: '',
    doc: 'The topic for records that were rejected, or given out too often. None: they are only given up.',
  },
  'share.auto.offset.reset': {
    type: 'string',
    default: 'latest',
    doc: 'Where a share group begins with a partition: earliest, latest, or by_duration:PnDTnHnMn.nS, so far back.',
  },
  'share.delivery.count.limit': {
    type: 'int',
    default: 5,
    broker: { 'group.share.delivery.count.limit': 1 },
    bounds: ['group.share.min.delivery.count.limit', 'group.share.max.delivery.count.limit'],
    doc: 'How often a record is given to members before it is given up.',
  },
  'share.heartbeat.interval.ms': {
    type: 'int',
    default: 5000,
    broker: { 'group.share.heartbeat.interval.ms': 1 },
    bounds: ['group.share.min.heartbeat.interval.ms', 'group.share.max.heartbeat.interval.ms'],
    doc: 'How often members are told to send heartbeats.',
  },
  'share.isolation.level': {
    type: 'string',
    default: 'read_uncommitted',
    oneOf: ['read_committed', 'read_uncommitted'],
    doc: 'Whether records of transactions are given out only once they are committed.',
  },
  'share.partition.max.record.locks': {
    type: 'int',
    default: 2000,
    broker: { 'group.share.partition.max.record.locks': 1 },
    bounds: ['group.share.min.partition.max.record.locks', 'group.share.max.partition.max.record.locks'],
    doc: 'Records of a partition that may be under way at a time.',
  },
  'share.record.lock.duration.ms': {
    type: 'int',
    default: 30_000,
    broker: { 'group.share.record.lock.duration.ms': 1 },
    bounds: ['group.share.min.record.lock.duration.ms', 'group.share.max.record.lock.duration.ms'],
    doc: 'How long a record is with one member before others may have it.',
  },
  'share.renew.acknowledge.enable': {
    type: 'boolean',
    default: true,
    doc: 'Whether members may prolong their locks (KIP-1222).',
  },
  'share.session.timeout.ms': {
    type: 'int',
    default: 45_000,
    broker: { 'group.share.session.timeout.ms': 1 },
    bounds: ['group.share.min.session.timeout.ms', 'group.share.max.session.timeout.ms'],
    doc: 'How long a member may be silent.',
  },
  'streams.heartbeat.interval.ms': {
    type: 'int',
    default: 5000,
    broker: { 'group.streams.heartbeat.interval.ms': 1 },
    bounds: ['group.streams.min.heartbeat.interval.ms', 'group.streams.max.heartbeat.interval.ms'],
    doc: 'How often members of a streams group are told to send heartbeats.',
  },
  'streams.initial.rebalance.delay.ms': {
    type: 'int',
    default: 0,
    min: 0,
    broker: { 'group.streams.initial.rebalance.delay.ms': 1 },
    doc: 'How long the first members of a streams group wait for more before tasks are dealt. (Kafka: 3000.)',
  },
  'streams.num.standby.replicas': {
    type: 'int',
    default: 0,
    min: 0,
    broker: { 'group.streams.num.standby.replicas': 1 },
    // At least 0; no setting says so.
    bounds: ['', 'group.streams.max.standby.replicas'],
    doc: 'Copies of every task that keeps state, in other processes.',
  },
  'streams.session.timeout.ms': {
    type: 'int',
    default: 45_000,
    broker: { 'group.streams.session.timeout.ms': 1 },
    bounds: ['group.streams.min.session.timeout.ms', 'group.streams.max.session.timeout.ms'],
    doc: 'How long a member of a streams group may be silent.',
  },
} as const satisfies Record<
  string,
  Setting & { broker?: Readonly<Record<string, 1>>; bounds?: readonly [min: string, max: string] }
>

export type GroupSettingName = keyof typeof groupSettings
