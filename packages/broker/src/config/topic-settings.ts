import type { Setting } from './setting.ts'

const day = 86_400_000
/** The largest long, as exactly as a number holds it. */
const forever = 2 ** 63

/**
 * The settings of a topic, with Kafka's names and defaults. `broker` names the broker settings a topic falls back to, most specific
 * first, and how many of the topic's units one of theirs is.
 */
export const topicSettings = {
  'cleanup.policy': {
    type: 'list',
    default: ['delete'],
    oneOf: ['delete', 'compact'],
    broker: { 'log.cleanup.policy': 1 },
    doc: 'What happens to old segments: delete drops them by age and size, compact keeps the last record of each key; empty keeps everything.',
  },
  'compression.gzip.level': {
    type: 'int',
    default: -1,
    min: -1,
    max: 9,
    broker: { 'compression.gzip.level': 1 },
    doc: 'Has no effect: when the broker compresses, it does so at the default level of gzip.',
  },
  'compression.lz4.level': {
    type: 'int',
    default: 9,
    min: 1,
    max: 17,
    broker: { 'compression.lz4.level': 1 },
    doc: 'Has no effect: when the broker compresses, it does so at the default level of lz4.',
  },
  'compression.type': {
    type: 'string',
    default: 'producer',
    oneOf: ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'],
    broker: { 'compression.type': 1 },
    doc: 'How batches are kept: producer keeps them as they come, anything else makes the broker compress them again.',
  },
  'compression.zstd.level': {
    type: 'int',
    default: 3,
    min: -131072,
    max: 22,
    broker: { 'compression.zstd.level': 1 },
    doc: 'Has no effect: when the broker compresses, it does so at the default level of zstd.',
  },
  'delete.retention.ms': {
    type: 'long',
    default: day,
    min: 0,
    broker: { 'log.cleaner.delete.retention.ms': 1 },
    doc: 'How long the tombstone of a deleted key stays readable in a compacted topic.',
  },
  'errors.deadletterqueue.group.enable': {
    type: 'boolean',
    default: false,
    doc: 'Whether share groups may put their dead letters here (KIP-1191).',
  },
  'file.delete.delay.ms': {
    type: 'long',
    default: 60_000,
    min: 0,
    broker: { 'log.segment.delete.delay.ms': 1 },
    doc: 'How long a file stays on disk after it was deleted from the log.',
  },
  'flush.messages': {
    type: 'long',
    default: forever,
    min: 1,
    broker: { 'log.flush.interval.messages': 1 },
    doc: 'Has no effect: what acks=all acknowledged is always on disk.',
  },
  'flush.ms': {
    type: 'long',
    default: forever,
    min: 0,
    broker: { 'log.flush.interval.ms': 1 },
    doc: 'Has no effect: what acks=all acknowledged is always on disk.',
  },
  'follower.replication.throttled.replicas': {
    type: 'list',
    default: [],
    doc: 'Has no effect: there are no followers.',
  },
  'index.interval.bytes': {
    type: 'int',
    default: 4096,
    min: 0,
    broker: { 'log.index.interval.bytes': 1 },
    doc: 'Bytes of log between two entries of its offset index.',
  },
  'leader.replication.throttled.replicas': {
    type: 'list',
    default: [],
    doc: 'Has no effect: there are no followers.',
  },
  'local.retention.bytes': {
    type: 'long',
    default: -2,
    fixed: true,
    doc: 'Local part of a tiered log. There is no tiered storage.',
  },
  'local.retention.ms': {
    type: 'long',
    default: -2,
    fixed: true,
    doc: 'Local part of a tiered log. There is no tiered storage.',
  },
  'max.compaction.lag.ms': {
    type: 'long',
    default: forever,
    min: 1,
    broker: { 'log.cleaner.max.compaction.lag.ms': 1 },
    doc: 'The longest a record may stay uncompacted.',
  },
  'max.message.bytes': {
    type: 'int',
    default: 1_048_588,
    min: 0,
    broker: { 'message.max.bytes': 1 },
    doc: 'The largest record batch accepted, as it comes (compressed when it comes compressed).',
  },
  'message.timestamp.after.max.ms': {
    type: 'long',
    default: 3_600_000,
    min: 0,
    broker: { 'log.message.timestamp.after.max.ms': 1 },
    doc: 'How far ahead of the broker’s clock a record’s timestamp may be.',
  },
  'message.timestamp.before.max.ms': {
    type: 'long',
    default: forever,
    min: 0,
    broker: { 'log.message.timestamp.before.max.ms': 1 },
    doc: 'How far behind the broker’s clock a record’s timestamp may be.',
  },
  'message.timestamp.type': {
    type: 'string',
    default: 'CreateTime',
    oneOf: ['CreateTime', 'LogAppendTime'],
    broker: { 'log.message.timestamp.type': 1 },
    doc: 'Whose time a record carries: its producer’s, or the broker’s when it was appended.',
  },
  'min.cleanable.dirty.ratio': {
    type: 'double',
    default: 0.5,
    min: 0,
    max: 1,
    broker: { 'log.cleaner.min.cleanable.ratio': 1 },
    doc: 'The uncompacted share of a log at which compaction is worth its while.',
  },
  'min.compaction.lag.ms': {
    type: 'long',
    default: 0,
    min: 0,
    broker: { 'log.cleaner.min.compaction.lag.ms': 1 },
    doc: 'The shortest time a record stays uncompacted.',
  },
  'min.insync.replicas': {
    type: 'int',
    default: 1,
    min: 1,
    broker: { 'min.insync.replicas': 1 },
    doc: 'Copies that must exist before acks=all is answered. There is one: a larger number makes acks=all fail.',
  },
  preallocate: {
    type: 'boolean',
    default: false,
    broker: { 'log.preallocate': 1 },
    doc: 'Has no effect: segments grow as they are written.',
  },
  'remote.log.copy.disable': { type: 'boolean', default: false, fixed: true, doc: 'There is no tiered storage.' },
  'remote.log.delete.on.disable': { type: 'boolean', default: false, fixed: true, doc: 'There is no tiered storage.' },
  'remote.storage.enable': { type: 'boolean', default: false, fixed: true, doc: 'There is no tiered storage.' },
  'retention.bytes': {
    type: 'long',
    default: -1,
    min: -1,
    broker: { 'log.retention.bytes': 1 },
    doc: 'The size a partition is held to by dropping its oldest segments; -1 for no limit.',
  },
  'retention.ms': {
    type: 'long',
    default: 7 * day,
    min: -1,
    broker: { 'log.retention.ms': 1, 'log.retention.minutes': 60_000, 'log.retention.hours': 3_600_000 },
    doc: 'How long records are kept; -1 for ever.',
  },
  'segment.bytes': {
    type: 'int',
    default: 1_073_741_824,
    min: 14,
    broker: { 'log.segment.bytes': 1 },
    doc: 'The size at which a segment is closed and the next one begun.',
  },
  'segment.index.bytes': {
    type: 'int',
    default: 10_485_760,
    min: 4,
    broker: { 'log.index.size.max.bytes': 1 },
    doc: 'Has no effect: an index is as large as its segment needs.',
  },
  'segment.jitter.ms': {
    type: 'long',
    default: 0,
    min: 0,
    broker: { 'log.roll.jitter.ms': 1, 'log.roll.jitter.hours': 3_600_000 },
    doc: 'Has no effect: segments of different partitions are not closed together.',
  },
  'segment.ms': {
    type: 'long',
    default: 7 * day,
    min: 1,
    broker: { 'log.roll.ms': 1, 'log.roll.hours': 3_600_000 },
    doc: 'The age at which a segment is closed, so that retention can reach it.',
  },
  'unclean.leader.election.enable': {
    type: 'boolean',
    default: false,
    broker: { 'unclean.leader.election.enable': 1 },
    doc: 'Has no effect: the one replica is always the leader.',
  },
} as const satisfies Readonly<Record<string, Setting & { broker?: Readonly<Record<string, number>> }>>

export type TopicSettingName = keyof typeof topicSettings
