/** What a queue can be told, and what holds when it is not. */
import { UsageError } from '@odradek/protocol'
import { checkNames, notNegative, oneOf, positive } from '../options.ts'
import { nameOf, type TopicRef } from '../topic.ts'

export interface QueueOptions<T extends TopicRef = TopicRef> {
  /** The share group: its members divide the records among themselves. */
  readonly group: string
  /** Topic contracts or bare names. */
  readonly topics: readonly T[]
  /**
   * Where a group begins that has never read: written to the group's configuration (`share.auto.offset.reset`) before this member
   * joins. Default: what is configured there, which is 'latest' in a cluster that says nothing else.
   */
  readonly from?: 'earliest' | 'latest'
  /** Default 500: records held at once and not acknowledged. Fewer are held while records wait long for their turn. */
  readonly maxInFlight?: number
  /** Default 500. How long a broker may hold a fetch that finds nothing. */
  readonly maxWaitMs?: number
  /** Default 32 MiB: bytes a fetch returns at most. */
  readonly maxBytes?: number
  readonly rackId?: string
  /** Default 300,000: transient failures are retried for this long without a success before they end the queue. */
  readonly retryForMs?: number
  /** Default true: let a broker that is configured so make topics that are missing. */
  readonly autoCreateTopics?: boolean
  /** Default 60,000: how often missing topics are looked for at least. */
  readonly metadataMaxAgeMs?: number
}

export interface QueueSettings {
  readonly group: string
  readonly from: 'earliest' | 'latest' | undefined
  readonly maxInFlight: number
  readonly maxWaitMs: number
  readonly maxBytes: number
  readonly rackId: string | null
  readonly retryForMs: number
  readonly autoCreateTopics: boolean
  readonly metadataMaxAgeMs: number
}

const known: Record<keyof QueueOptions, true> = {
  group: true,
  topics: true,
  from: true,
  maxInFlight: true,
  maxWaitMs: true,
  maxBytes: true,
  rackId: true,
  retryForMs: true,
  autoCreateTopics: true,
  metadataMaxAgeMs: true,
}

export function queueSettings(options: QueueOptions): QueueSettings {
  return {
    group: options.group,
    from: options.from,
    maxInFlight: options.maxInFlight ?? 500,
    maxWaitMs: options.maxWaitMs ?? 500,
    maxBytes: options.maxBytes ?? 32 * 1024 * 1024,
    rackId: options.rackId ?? null,
    retryForMs: options.retryForMs ?? 300_000,
    autoCreateTopics: options.autoCreateTopics ?? true,
    metadataMaxAgeMs: options.metadataMaxAgeMs ?? 60_000,
  }
}

export function checkQueueOptions(options: QueueOptions): void {
  checkNames('queue', options, known)
  const { group, topics, from } = options
  if (!group) throw new UsageError("`group` is missing: kafka.queue({ group: 'jobs', topics: ['t'] })")
  if (!topics?.length) throw new UsageError("`topics` is missing: kafka.queue({ group: 'jobs', topics: ['t'] })")
  if (new Set(topics.map(nameOf)).size < topics.length) throw new UsageError('`topics` names a topic twice')
  if (from !== undefined) oneOf('from', from, ['earliest', 'latest'])
  const settings = queueSettings(options)
  for (const name of ['maxInFlight', 'maxBytes', 'retryForMs', 'metadataMaxAgeMs'] as const)
    positive(name, settings[name])
  notNegative('maxWaitMs', settings.maxWaitMs)
}
