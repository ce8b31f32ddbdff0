/**
 * What a seed will do: topics, clients, and which faults how often. Each seed leaves most faults out and overdoes some ("swarm"): a
 * fault that always comes with all others hides what it does alone.
 */
import { SeededRandom } from '@odradek/world'
import { queueConfig } from './queue-settings.ts'

export interface PlannedTopic {
  name: string
  partitions: number
  config: Record<string, string>
  /** Its log start rises by itself. */
  hasRetention: boolean
  /** Records may give way to later ones of their key. */
  isCompacted: boolean
  /** How long a tombstone stays there at least. */
  deleteRetentionMs: number
}

export interface PlannedProducer {
  acks: 'all' | 1
  idempotent: boolean
  records: number
  /** The most a record's value is padded with. */
  padding: number
  /** Between two records, at most. */
  pauseMs: number
  batchBytes: number
  deliveryTimeoutMs: number
}

export interface Plan {
  seed: number
  profile: ProfileName
  /** How long there is trouble. */
  troubleMs: number
  /** Between two faults, on average. */
  faultEveryMs: number
  faults: FaultName[]
  topics: PlannedTopic[]
  producers: PlannedProducer[]
  /** Members of the one group there is; 0: none. */
  members: number
  /** What they speak: both is a group that is migrated again and again. */
  groupProtocol: 'classic' | 'consumer' | 'both'
  readers: number
  /** Those who process exactly once, each with a transactional id. */
  processors: number
  outputPartitions: number
  /** Members of the one share group there is; 0: none. */
  workers: number
  /** 1: the clients know no transactions of KIP-890. */
  transactionVersion: 1 | 2
  /** Somebody makes and deletes topics, deletes records, changes settings. */
  hasAdmin: boolean
  /** The machine loses power once more when all is over, before the last look. */
  endsWith: 'power-cut' | 'kill' | 'restart'
  weather: { delayMs: [number, number]; splitChance: number; cutChance: number }
  syncMs: [number, number]
  readMs: [number, number]
  brokerConfig: Record<string, string>
}

interface Profile {
  faults: readonly FaultName[]
  partitions: number
  topics: number
  producers: number
  members: number
  hasAdmin: number
  troubleMs: readonly [number, number]
}

const diskFaults = ['sync-error', 'write-error', 'full-disk', 'slow-disk', 'open-error', 'folder-error', 'rot'] as const
const wireFaults = ['cut', 'partition', 'refuse', 'slow-links', 'pause-client', 'pause-broker', 'crash-client'] as const
const endings = ['crash', 'crash-in-write', 'kill', 'restart'] as const

export type FaultName = (typeof diskFaults | typeof wireFaults | typeof endings)[number] | 'clock-jump' | 'replay'

const profiles = {
  /** One or two logs and a machine that keeps losing power. */
  storage: {
    faults: [...endings, ...diskFaults],
    ...{ partitions: 2, topics: 1, producers: 2, members: 0, hasAdmin: 0, troubleMs: [300, 2_500] },
  },
  /** Clients on a bad network. */
  network: {
    faults: [...wireFaults, 'crash', 'restart'],
    ...{ partitions: 3, topics: 2, producers: 2, members: 1, hasAdmin: 0, troubleMs: [1_000, 6_000] },
  },
  /** Members come and go, and so does the broker. */
  groups: {
    faults: [...wireFaults, ...endings],
    ...{ partitions: 3, topics: 1, producers: 1, members: 3, hasAdmin: 0, troubleMs: [2_000, 9_000] },
  },
  /** Topics come and go, records are deleted, settings change, clocks jump. */
  administration: {
    faults: [...endings, 'clock-jump', 'slow-disk', 'cut'],
    ...{ partitions: 2, topics: 2, producers: 1, members: 1, hasAdmin: 1, troubleMs: [500, 4_000] },
  },
  /** Exactly-once processing while everybody crashes. */
  transactions: {
    faults: [...endings, ...wireFaults, 'sync-error', 'write-error', 'slow-disk', 'replay'],
    ...{ partitions: 2, topics: 1, producers: 1, members: 0, hasAdmin: 0, troubleMs: [1_000, 6_000] },
  },
  /** Members of a share group come, forget, crash and go. */
  queues: {
    faults: [...endings, ...wireFaults, 'sync-error', 'write-error', 'slow-disk'],
    ...{ partitions: 2, topics: 1, producers: 1, members: 0, hasAdmin: 0, troubleMs: [1_000, 6_000] },
  },
  everything: {
    faults: [...endings, ...diskFaults, ...wireFaults, 'clock-jump'],
    ...{ partitions: 2, topics: 2, producers: 2, members: 2, hasAdmin: 0.5, troubleMs: [500, 5_000] },
  },
} as const satisfies Record<string, Profile>

export type ProfileName = keyof typeof profiles

/** Every so many seeds are transactions. */
const shareOfTransactions = 5
/** And every so many are queues. */
const shareOfQueues = 10

export function planOf(seed: number): Plan {
  const random = new SeededRandom(seed).fork('plan')
  const ofAll = pick(random, [
    ...(['storage', 'storage', 'storage', 'storage', 'administration', 'administration'] as const),
    ...(['network', 'groups', 'everything', 'everything'] as const),
  ])
  const name = seed % shareOfTransactions === 1 ? 'transactions' : seed % shareOfQueues === 8 ? 'queues' : ofAll
  const profile: Profile = profiles[name]
  const troubleMs = random.between(profile.troubleMs)
  const topics = Array.from({ length: 1 + random.int(profile.topics) }, (_, i) => plannedTopic(random, i, profile))
  return {
    ...{ seed, profile: name, troubleMs, topics },
    faultEveryMs: troubleMs / (1 + random.int(8)),
    faults: swarm(random, profile.faults),
    producers: Array.from({ length: 1 + random.int(profile.producers) }, () => plannedProducer(random, troubleMs)),
    members: profile.members === 0 ? 0 : random.int(profile.members + 1),
    groupProtocol: pick(new SeededRandom(seed).fork('protocol'), ['classic', 'consumer', 'both'] as const),
    readers: random.int(2),
    ...plannedProcessing(new SeededRandom(seed).fork('processing'), name),
    workers: name === 'queues' ? 1 + new SeededRandom(seed).fork('workers').int(4) : 0,
    hasAdmin: random.chance(profile.hasAdmin),
    endsWith: pick(random, ['power-cut', 'power-cut', 'kill', 'restart']),
    weather: {
      delayMs: [0.05, pick(random, [0.2, 2, 10])],
      splitChance: pick(random, [0, 0, 0.2]),
      cutChance: pick(random, [0, 0, 0, 0.002]),
    },
    syncMs: [0.1, pick(random, [0.5, 4, 15])],
    readMs: [0, pick(random, [0, 0.5, 3])],
    brokerConfig: {
      'odradek.insecure.network': 'true',
      'group.initial.rebalance.delay.ms': '0',
      // With a journal hardly a segment is synced for itself: every second seed has none.
      ...(seed % 2 === 1 && { 'odradek.log.journal.bytes': '0' }),
      ...consumerGroups,
      ...(name === 'queues' && queueConfig),
      'offsets.topic.num.partitions': '1',
      ...(name === 'transactions' && {
        'transaction.state.log.num.partitions': '1',
        'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000',
      }),
      'offsets.topic.segment.bytes': pick(random, ['2000', '16777216']),
      'log.retention.check.interval.ms': pick(random, ['100', '700', '300000']),
      'log.cleaner.backoff.ms': pick(random, ['20', '200', '15000']),
    },
  }
}

const consumerGroups = {
  'group.consumer.min.session.timeout.ms': '6000',
  'group.consumer.session.timeout.ms': '6000',
  'group.consumer.min.heartbeat.interval.ms': '500',
  'group.consumer.heartbeat.interval.ms': '800',
}

function plannedTopic(random: SeededRandom, index: number, profile: Profile): PlannedTopic {
  const { partitions } = profile
  const keepsAll = profile === profiles.transactions || profile === profiles.queues
  const hasRetention = random.chance(0.2) && !keepsAll
  const isCompacted = random.chance(0.25) && !keepsAll
  const deleteRetentionMs = pick(random, [100, 1_000, 86_400_000])
  return {
    name: `t${index}`,
    partitions: 1 + random.int(partitions),
    hasRetention,
    isCompacted,
    deleteRetentionMs,
    config: {
      'segment.bytes': pick(random, ['700', '2000', '2000', '6000', '1000000']),
      'index.interval.bytes': pick(random, ['100', '500', '4096']),
      'file.delete.delay.ms': pick(random, ['0', '20', '1000']),
      ...(hasRetention && { 'retention.bytes': pick(random, ['1000', '5000']) }),
      ...(random.chance(0.1) && { 'message.timestamp.type': 'LogAppendTime' }),
      ...(isCompacted && {
        'cleanup.policy': hasRetention ? 'compact,delete' : 'compact',
        'min.cleanable.dirty.ratio': pick(random, ['0', '0.3']),
        'delete.retention.ms': String(deleteRetentionMs),
        'segment.ms': pick(random, ['100', '604800000']),
      }),
    },
  }
}

function plannedProcessing(random: SeededRandom, name: ProfileName) {
  return {
    processors: name === 'transactions' ? 1 + random.int(3) : 0,
    outputPartitions: 1 + random.int(2),
    transactionVersion: pick(random, [1, 2, 2] as const),
  }
}

function plannedProducer(random: SeededRandom, troubleMs: number): PlannedProducer {
  const idempotent = random.chance(0.7)
  const records = 20 + random.int(180)
  return {
    acks: idempotent || random.chance(0.5) ? 'all' : 1,
    idempotent,
    records,
    padding: pick(random, [0, 60, 300]),
    pauseMs: (2 * troubleMs) / records,
    batchBytes: pick(random, [200, 1_000, 16_384]),
    deliveryTimeoutMs: pick(random, [3_000, 120_000, 120_000]),
  }
}

/** Some of them, each with the same chance; now and then one alone, or all. */
function swarm(random: SeededRandom, all: readonly FaultName[]): FaultName[] {
  const chance = pick(random, [0.15, 0.3, 0.5, 1])
  const some = all.filter(() => random.chance(chance))
  return some.length > 0 ? some : [pick(random, all)]
}

export function pick<T>(random: { int(below: number): number }, from: readonly T[]): T {
  return from[random.int(from.length)]!
}
