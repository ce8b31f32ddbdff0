/** What an application can be told. Kafka Streams' settings in camelCase, with its defaults (streams facts 1.4). */
import { tmpdir } from 'node:os'
import {
  type EngineOptions,
  type Kafka,
  type KafkaOptions,
  type ProducerOptions,
  type TransactionalProducerOptions,
  UsageError,
} from '@odradek/client'
import { type ErrorOptions, mustBeHandlers } from '../handlers/handlers.ts'
import { mustBeKnown, mustBeOneOf, quoted } from '../known-names.ts'
import type { TimestampExtractor } from '../topology/node-spec.ts'
import type { Topology } from '../topology/topology.ts'

export interface KafkaStreamsOptions extends ErrorOptions {
  /** Instances with the same id share the work. Also the group, and the beginning of every internal topic's name. */
  applicationId: string
  /** Where the cluster is; or give `kafka`, a handle that stays yours to close. */
  brokers?: KafkaOptions['brokers']
  kafka?: Kafka
  /** Default: the application id. */
  clientId?: string
  /**
   * Default 'at_least_once'. 'exactly_once_v2': what is written, the state and the offsets of a commit are one transaction; readers of
   * committed records see each input processed once, whatever fails.
   */
  processingGuarantee?: 'at_least_once' | 'exactly_once_v2'
  /** Default 30,000; with exactly once 100. */
  commitIntervalMs?: number
  /** Default: `odradek-streams` in the system's folder for temporary files. An instance has `<stateFolder>/<applicationId>` for itself. */
  stateFolder?: string
  /**
   * Where stores are kept that do not say so themselves. Default 'disk'. 'memory', with no `stateFolder` and no store that says `in: 'disk'`:
   * the disk is not touched.
   */
  defaultStore?: 'disk' | 'memory'
  /** Default 10 MiB, of all tasks: changes held back until the next commit, so that only the last to a key goes on. 0: none. */
  cacheMaxBytes?: number
  /** Default 0: copies of each store that other instances keep up to date, and take over from. */
  numStandbyReplicas?: number
  /**
   * Default 0: a task waits for an input that is empty here as long as the brokers have more of it, or as that is not known. Above 0: it
   * waits for that long in any case. -1: it processes whatever is there (KIP-695).
   */
  maxTaskIdleMs?: number
  /** Default 100: how long a poll waits when there is nothing to do. */
  pollMs?: number
  /** Default 1,000: a partition with more records waiting is not fetched for the moment. */
  bufferedRecordsPerPartition?: number
  /**
   * Default 300,000, or `consumer.maxPollIntervalMs` where that is less, and no more than that: then the group gives the tasks to others.
   * A callback that has not settled for as long ends the instance, with an error that names node and record.
   */
  taskTimeoutMs?: number
  /** The time of records whose source does not say otherwise. Default: their own. */
  defaultTimestampExtractor?: TimestampExtractor
  /** Of internal topics. Default -1: as the brokers are configured. */
  replicationFactor?: number
  /** Of internal topics, in Kafka's dotted names; what a store or `repartition` says of its own comes before. */
  topicConfig?: Readonly<Record<string, string>>
  /** `host:port`, where other instances reach the queries of this one. */
  applicationServer?: string
  /** Default 30,000: how often what has been processed is deleted from repartition topics. */
  repartitionPurgeIntervalMs?: number
  /** Default 600,000: state of tasks that are elsewhere is removed after as long. */
  stateCleanupDelayMs?: number
  /** Default 'info'. 'debug': nodes and stores are timed too, with two readings of the clock for each call. */
  metricsLevel?: 'info' | 'debug'
  /** Told while stores are restored: at the start, now and then, and at the end. */
  onRestore?(progress: RestoreProgress): void
  /** Sessions, fetch sizes, where to begin (default: the earliest record). */
  consumer?: ConsumerSettings
  producer?: ProducerSettings
  /** Time, chance and network; the real ones by default. */
  world?: NonNullable<KafkaOptions['world']>
}

/** `transactionTimeoutMs` is for exactly once. Default 10,000: a commit that takes longer is given up, and its records processed again. */
type ProducerSettings = ProducerOptions & Pick<TransactionalProducerOptions, 'transactionTimeoutMs'>
type ConsumerSettings = Omit<EngineOptions, 'group' | 'assignors' | 'hooks' | 'autoCreateTopics' | 'isolation'>

export interface RestoreProgress {
  readonly taskId: string
  readonly store: string
  readonly topic: string
  readonly partition: number
  /** Of the changelog; `remaining` counts offsets, of which some may be compacted away. */
  readonly position: number
  readonly endOffset: number
  readonly remaining: number
  readonly restored: number
}

const known: Record<keyof KafkaStreamsOptions, true> = {
  ...{ applicationId: true, brokers: true, kafka: true, clientId: true, world: true, consumer: true, producer: true },
  ...{ processingGuarantee: true, commitIntervalMs: true, taskTimeoutMs: true, pollMs: true, maxTaskIdleMs: true },
  ...{ stateFolder: true, defaultStore: true, cacheMaxBytes: true, stateCleanupDelayMs: true, onRestore: true },
  ...{ numStandbyReplicas: true, applicationServer: true, bufferedRecordsPerPartition: true, metricsLevel: true },
  ...{ replicationFactor: true, topicConfig: true, repartitionPurgeIntervalMs: true, defaultTimestampExtractor: true },
  ...{ handlers: true, deadLetterTopic: true, logger: true },
}

const knownOfConsumer: Record<keyof ConsumerSettings, true> = {
  ...{ from: true, groupInstanceId: true, groupProtocol: true, serverAssignor: true, rackId: true, checkCrcs: true },
  ...{ sessionTimeoutMs: true, heartbeatIntervalMs: true, maxPollIntervalMs: true, retryForMs: true },
  ...{ maxWaitMs: true, minBytes: true, partitionMaxBytes: true, bufferBytes: true, metadataMaxAgeMs: true },
}

const knownOfProducer: Record<keyof ProducerSettings, true> = {
  ...{ acks: true, idempotent: true, compression: true, lingerMs: true, maxInFlight: true, partitioner: true },
  ...{ batchBytes: true, maxRequestBytes: true, bufferBytes: true, autoCreateTopics: true },
  ...{ deliveryTimeoutMs: true, requestTimeoutMs: true, metadataTimeoutMs: true, transactionTimeoutMs: true },
}

/** With nothing left open. */
export interface StreamsSettings {
  readonly isExactlyOnce: boolean
  readonly commitIntervalMs: number
  /** Null: none is needed, unless a store says so itself. */
  readonly stateFolder: string | null
  readonly defaultStore: 'disk' | 'memory'
  readonly cacheMaxBytes: number
  readonly numStandbyReplicas: number
  readonly maxTaskIdleMs: number
  readonly pollMs: number
  readonly bufferedRecordsPerPartition: number
  readonly taskTimeoutMs: number
  readonly replicationFactor: number
  readonly topicConfig: Readonly<Record<string, string>>
  readonly applicationServer: string | null
  readonly repartitionPurgeIntervalMs: number
  readonly stateCleanupDelayMs: number
}

/** The least that each number may be. */
const least: Readonly<Record<keyof typeof defaults, number>> = {
  commitIntervalMs: 0,
  cacheMaxBytes: 0,
  numStandbyReplicas: 0,
  maxTaskIdleMs: -1,
  pollMs: 0,
  bufferedRecordsPerPartition: 1,
  taskTimeoutMs: 1,
  replicationFactor: -1,
  repartitionPurgeIntervalMs: 1,
  stateCleanupDelayMs: 0,
}
const defaults = {
  commitIntervalMs: 30_000,
  cacheMaxBytes: 10 * 2 ** 20,
  numStandbyReplicas: 0,
  maxTaskIdleMs: 0,
  pollMs: 100,
  bufferedRecordsPerPartition: 1_000,
  taskTimeoutMs: 300_000,
  replicationFactor: -1,
  repartitionPurgeIntervalMs: 30_000,
  stateCleanupDelayMs: 600_000,
}
const exactlyOnceCommitMs = 100

export function settingsOf(options: KafkaStreamsOptions): StreamsSettings {
  mustBeKnown('setting', options, known)
  mustBeKnown('setting of `consumer`', options.consumer ?? {}, knownOfConsumer)
  mustBeKnown('setting of `producer`', options.producer ?? {}, knownOfProducer)
  mustBeHandlers(options.handlers)
  mustNameApplication(options)
  const {
    processingGuarantee = 'at_least_once',
    defaultStore = 'disk',
    applicationServer = null,
    topicConfig = {},
    metricsLevel = 'info',
  } = options
  mustBeOneOf('`processingGuarantee`', processingGuarantee, ['at_least_once', 'exactly_once_v2'])
  mustBeOneOf('`defaultStore`', defaultStore, ['disk', 'memory'])
  mustBeOneOf('`metricsLevel`', metricsLevel, ['info', 'debug'])
  if (applicationServer !== null && !/^.+:\d{1,5}$/.test(applicationServer))
    throw new UsageError(`\`applicationServer\` is '${applicationServer}': write host:port`)
  const isExactlyOnce = processingGuarantee === 'exactly_once_v2'
  const numbers = { ...defaults, ...(isExactlyOnce && { commitIntervalMs: exactlyOnceCommitMs }) }
  for (const name of Object.keys(defaults) as (keyof typeof defaults)[]) {
    const given = options[name]
    if (given === undefined) continue
    if (!Number.isSafeInteger(given) || given < least[name])
      throw new UsageError(`\`${name}\` is ${quoted(given)}; write a whole number, at least ${least[name]}`)
    numbers[name] = given
  }
  numbers.taskTimeoutMs = timeoutWithin(
    options.consumer?.maxPollIntervalMs ?? defaults.taskTimeoutMs,
    options.taskTimeoutMs,
  )
  const stateFolder = options.stateFolder ?? (defaultStore === 'disk' ? usualFolder() : null)
  return { isExactlyOnce, stateFolder, defaultStore, applicationServer, topicConfig, ...numbers }
}

/** A callback that took longer would lose its tasks to another instance, which would wait for as long, and so on without an error. */
function timeoutWithin(maxPollIntervalMs: number, taskTimeoutMs = defaults.taskTimeoutMs): number {
  if (taskTimeoutMs > maxPollIntervalMs && taskTimeoutMs !== defaults.taskTimeoutMs)
    throw new UsageError(
      `\`taskTimeoutMs\` is ${taskTimeoutMs}, and the group gives the tasks of an instance to others when it has not polled for ` +
        `${maxPollIntervalMs} ms: raise \`consumer.maxPollIntervalMs\` to as much`,
    )
  return Math.min(taskTimeoutMs, maxPollIntervalMs)
}

/** Null: everything is kept in memory. */
export function stateFolderOf({ stateFolder }: StreamsSettings, topology: Topology): string | null {
  const isAskedFor = topology.subtopologies().some(({ stores }) => stores.some(store => store.in === 'disk'))
  return stateFolder ?? (isAskedFor ? usualFolder() : null)
}

const usualFolder = () => `${tmpdir()}/odradek-streams`

function mustNameApplication({ applicationId, brokers, kafka }: KafkaStreamsOptions): void {
  if (!/^[\w.-]{1,200}$/.test(applicationId))
    throw new UsageError(
      `\`applicationId\` is '${applicationId}'; topics are named after it: write letters, digits, '.', '_', '-'`,
    )
  if ((brokers === undefined) === (kafka === undefined))
    throw new UsageError("say where the cluster is, once: `brokers: 'localhost:9092'` or `kafka`")
}
