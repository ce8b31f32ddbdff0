/** What a producer can be told, and what holds when it is not. */
import { type Codec, codecs, UsageError } from '@odradek/protocol'
import { checkNames, notNegative, positive, shown } from '../options.ts'
import type { Partitioner } from './partitioner.ts'

export interface ProducerOptions {
  /** `'all'` (default): answered when the record is as safe as the topic is configured; `1`: by the leader alone; `0`: not at all. */
  readonly acks?: 'all' | 0 | 1
  /** Default true with acks `'all'`: a retry never writes a record twice. */
  readonly idempotent?: boolean
  /** Default `'none'`. */
  readonly compression?: Codec
  /** Default 5. How long records wait for company while requests are under way; a lone record does not wait. */
  readonly lingerMs?: number
  /** Default 256 KiB, before compression. */
  readonly batchBytes?: number
  /** Default 4 MiB: of one request, and so of one record. */
  readonly maxRequestBytes?: number
  /** Default 32 MiB: of records that wait to be delivered. Beyond, `send` waits its turn. */
  readonly bufferBytes?: number
  /** Default 5 (the most with which a broker recognises retries): requests under way per broker. */
  readonly maxInFlight?: number
  /** Default 120,000: from `send` to delivery, retries included. */
  readonly deliveryTimeoutMs?: number
  /** Default 30,000: for the answer to one request. */
  readonly requestTimeoutMs?: number
  /** Default: the handle's `retryTimeoutMs`. For a topic to be found, or made. */
  readonly metadataTimeoutMs?: number
  /** Default true: ask for topics in a way that lets brokers make those that are missing, if they are configured so. */
  readonly autoCreateTopics?: boolean
  readonly partitioner?: Partitioner
}

export interface TransactionalProducerOptions extends Omit<ProducerOptions, 'acks' | 'idempotent'> {
  /**
   * Names the producer across restarts: who begins with the same name fences who had it before. One for each process, or task, that
   * runs at the same time.
   */
  readonly transactionalId: string
  /** Default 60,000: a transaction that is open for longer is aborted. Brokers allow up to 900,000 unless configured otherwise. */
  readonly transactionTimeoutMs?: number
}

export interface ResolvedProducerOptions {
  readonly acks: -1 | 0 | 1
  readonly isIdempotent: boolean
  readonly compression: Codec
  readonly lingerMs: number
  readonly batchBytes: number
  readonly maxRequestBytes: number
  readonly bufferBytes: number
  readonly maxInFlight: number
  readonly deliveryTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly produceTimeoutMs: number
  readonly metadataTimeoutMs: number | undefined
  readonly autoCreateTopics: boolean
  readonly partitioner: Partitioner | undefined
}

const known: Record<keyof ProducerOptions, true> = {
  acks: true,
  idempotent: true,
  compression: true,
  lingerMs: true,
  batchBytes: true,
  maxRequestBytes: true,
  bufferBytes: true,
  maxInFlight: true,
  deliveryTimeoutMs: true,
  requestTimeoutMs: true,
  metadataTimeoutMs: true,
  autoCreateTopics: true,
  partitioner: true,
}

export interface ResolvedTransactionOptions {
  readonly transactionalId: string
  readonly transactionTimeoutMs: number
  readonly others: ProducerOptions
}

export function resolveTransactionOptions(options: TransactionalProducerOptions): ResolvedTransactionOptions {
  const { transactionalId, transactionTimeoutMs = 60_000, ...others } = options
  if (typeof transactionalId !== 'string' || transactionalId === '')
    throw new UsageError(
      `transactionalId is ${shown(transactionalId)}; write a name that no other running producer has`,
    )
  for (const name of ['acks', 'idempotent'] as const)
    if (name in others)
      throw new UsageError(`a transactional producer is idempotent and waits for all replicas: leave out \`${name}\``)
  return { transactionalId, transactionTimeoutMs: positive('transactionTimeoutMs', transactionTimeoutMs), others }
}

const acksOnWire = { all: -1, 0: 0, 1: 1 } as const

export function resolveProducerOptions(options: ProducerOptions): ResolvedProducerOptions {
  checkNames('producer', options, known)
  const { acks = 'all', compression = 'none', maxInFlight = 5, requestTimeoutMs = 30_000 } = options
  if (!(acks in acksOnWire)) throw new UsageError(`acks is ${JSON.stringify(acks)}; write 'all', 1 or 0`)
  if (options.partitioner !== undefined && typeof options.partitioner !== 'function')
    throw new UsageError('partitioner is a function: ({ topic, key, value, partitionCount }) => number')
  if (!codecs.includes(compression))
    throw new UsageError(`compression is '${compression}'; write one of ${codecs.join(', ')}`)
  const isIdempotent = options.idempotent ?? acks === 'all'
  if (isIdempotent && acks !== 'all')
    throw new UsageError(`an idempotent producer needs acks 'all', not ${acks}: drop one of the two`)
  if (isIdempotent && maxInFlight > 5)
    throw new UsageError('an idempotent producer may have at most 5 requests in flight per broker')
  return {
    acks: acksOnWire[acks],
    isIdempotent,
    compression,
    lingerMs: notNegative('lingerMs', options.lingerMs ?? 5),
    batchBytes: positive('batchBytes', options.batchBytes ?? 256 * 1024),
    maxRequestBytes: positive('maxRequestBytes', options.maxRequestBytes ?? 4 * 1024 * 1024),
    bufferBytes: positive('bufferBytes', options.bufferBytes ?? 32 * 1024 * 1024),
    maxInFlight: positive('maxInFlight', maxInFlight),
    deliveryTimeoutMs: positive('deliveryTimeoutMs', options.deliveryTimeoutMs ?? 120_000),
    requestTimeoutMs: positive('requestTimeoutMs', requestTimeoutMs),
    produceTimeoutMs: requestTimeoutMs,
    metadataTimeoutMs: options.metadataTimeoutMs && positive('metadataTimeoutMs', options.metadataTimeoutMs),
    autoCreateTopics: options.autoCreateTopics ?? true,
    partitioner: options.partitioner,
  }
}
