import type { AppendBatch } from '@odradek/log'
import {
  type BatchHeader,
  batchOverhead,
  crc32c,
  DecodeError,
  type ErrorCode,
  ErrorCodes,
  readBatch,
} from '@odradek/protocol'
import type { TopicPartition } from './cluster-store/cluster-store.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import type { TopicConfig } from './config/topic-config.ts'
import { keylessRecords } from './keyless-records.ts'
import { recompressed } from './recompress.ts'

/**
 * What a broker demands of a batch before it may enter a log: one batch of format 2, whole, with a true checksum, and a header without
 * contradictions. Records are only looked at where the topic's settings ask for it: keys (compaction), or another compression.
 */
export interface RefusedBatch {
  error: ErrorCode
  message?: string
  /** Which records were at fault (KIP-467). */
  records?: { batchIndex: number; batchIndexErrorMessage: string | null }[]
}

/** Length, attributes, two deltas, two lengths, header count: no record is shorter. */
const smallestRecord = 7

/** The checksum stands for everything from the attributes on. */
const summedFrom = 21

/** In a batch with this attribute, the base timestamp says until when compaction keeps its tombstones. */
const deleteHorizon = 0x40

export interface CheckContext {
  partition: TopicPartition
  config: TopicConfig
  broker: BrokerConfig
  apiVersion: number
  now: number
}

export function checkedBatch(bytes: Uint8Array | null, context: CheckContext): AppendBatch | RefusedBatch {
  try {
    return check(bytes, context)
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return { error: ErrorCodes.CORRUPT_MESSAGE, message: error.message }
  }
}

function check(bytes: Uint8Array | null, context: CheckContext): AppendBatch | RefusedBatch {
  if (bytes === null || bytes.length === 0)
    return invalid('A partition in a produce request needs exactly one record batch.')
  const magic = bytes[16]
  if (magic !== undefined && magic !== 2) return invalid(`Record batches need magic 2; this one has ${magic}.`)
  const header = readBatch(bytes)
  if (header.end > bytes.length) return { error: ErrorCodes.CORRUPT_MESSAGE, message: 'The record batch is cut off.' }
  if (header.end < bytes.length) return invalid('A partition in a produce request needs exactly one record batch.')
  const tooLarge = wrongSize(header, context.config)
  if (tooLarge) return tooLarge
  if (crc32c(bytes, summedFrom, header.end) !== header.crc)
    return { error: ErrorCodes.CORRUPT_MESSAGE, message: 'The record batch does not match its checksum.' }
  const refused = wrongHeader(header, context) ?? wrongTime(header, context) ?? wrongRecords(bytes, header, context)
  return refused ?? accepted(bytes, header, context)
}

function accepted(bytes: Uint8Array, header: BatchHeader, context: CheckContext): AppendBatch {
  const { partition, config } = context
  const isKept = config['compression.type'] === 'producer'
  return {
    partition: partition.id,
    bytes: isKept ? bytes : recompressed(bytes, header, config, mostUnfolded(context)),
    recordCount: header.recordCount,
    offsetCount: header.lastOffsetDelta + 1,
    maxTimestamp: header.maxTimestamp,
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    baseSequence: header.baseSequence,
    transactional: header.isTransactional,
    // Where the epoch rises at every end, each transaction begins at 0 in each partition (KIP-890).
    beginsAtZero: header.isTransactional && context.apiVersion >= 12,
    control: false,
  }
}

function wrongSize(header: BatchHeader, config: TopicConfig): RefusedBatch | undefined {
  const size = header.sizeInBytes
  const most = config['max.message.bytes']
  if (size > most) {
    return {
      error: ErrorCodes.MESSAGE_TOO_LARGE,
      message: `The record batch has ${size} bytes; max.message.bytes is ${most}.`,
    }
  }
  const segment = config['segment.bytes']
  if (size > segment) {
    return {
      error: ErrorCodes.RECORD_LIST_TOO_LARGE,
      message: `The record batch has ${size} bytes; segment.bytes is ${segment}.`,
    }
  }
  return undefined
}

function wrongHeader(header: BatchHeader, { apiVersion }: CheckContext): RefusedBatch | undefined {
  const { recordCount, lastOffsetDelta, producerId, baseSequence, producerEpoch } = header
  if (recordCount === 0) return invalid('The record batch is empty.')
  if (lastOffsetDelta !== recordCount - 1) {
    return invalid(`The record batch counts ${recordCount} records, but its last offset delta is ${lastOffsetDelta}.`)
  }
  if ((header.attributes & 0x07) === 0 && recordCount * smallestRecord > header.sizeInBytes - batchOverhead) {
    return invalid(`The record batch has no room for the ${recordCount} records it counts.`)
  }
  if ((header.attributes & deleteHorizon) !== 0)
    return invalid('Clients are not allowed to write a delete horizon: only compaction does.')
  if (header.isControl) return invalid('Clients are not allowed to write control records.')
  if (producerId !== -1n && (baseSequence < 0 || producerEpoch < 0)) {
    return invalid(
      `The record batch of producer ${producerId} has epoch ${producerEpoch} and sequence ${baseSequence}.`,
    )
  }
  if (header.isTransactional && producerId === -1n)
    return invalid('The record batch is part of a transaction, but has no producer id.')
  const codec = header.attributes & 0x07
  if (codec > 4 || (codec === 4 && apiVersion < 7)) {
    return {
      error: ErrorCodes.UNSUPPORTED_COMPRESSION_TYPE,
      message: 'The record batch is compressed in a way this request version does not know.',
    }
  }
  return undefined
}

function wrongTime(header: BatchHeader, { config, now }: CheckContext): RefusedBatch | undefined {
  if (config['message.timestamp.type'] === 'LogAppendTime') return undefined
  if (header.timestampType === 'LogAppendTime')
    return { error: ErrorCodes.INVALID_TIMESTAMP, message: 'Only the broker sets LogAppendTime.' }
  const latest = now + config['message.timestamp.after.max.ms']
  const earliest = now - config['message.timestamp.before.max.ms']
  const { baseTimestamp, maxTimestamp } = header
  if (maxTimestamp > latest)
    return wrongTimestamp(`${maxTimestamp} is later than ${latest}, the latest`, 'message.timestamp.after.max.ms')
  if (baseTimestamp < earliest && baseTimestamp !== -1)
    return wrongTimestamp(
      `${baseTimestamp} is earlier than ${earliest}, the earliest`,
      'message.timestamp.before.max.ms',
    )
  return undefined
}

function wrongRecords(bytes: Uint8Array, header: BatchHeader, context: CheckContext): RefusedBatch | undefined {
  const { partition, config } = context
  if (!config['cleanup.policy'].includes('compact')) return undefined
  const keyless = keylessRecords(bytes, header, mostUnfolded(context))
  if (keyless.length === 0) return undefined
  const where = `${partition.topic.name}-${partition.index}`
  return {
    error: ErrorCodes.INVALID_RECORD,
    message: 'One or more records have been rejected.',
    records: keyless.map(batchIndex => ({
      batchIndex,
      batchIndexErrorMessage: `Compacted topic cannot accept message without key in topic partition ${where}.`,
    })),
  }
}

/** Whoever sends small batches that unfold to large ones gets no memory for it. */
const mostUnfolded = ({ config, broker }: CheckContext): number =>
  Math.max(broker.get('odradek.max.decompressed.bytes'), config['max.message.bytes'])

const wrongTimestamp = (what: string, setting: string): RefusedBatch => ({
  error: ErrorCodes.INVALID_TIMESTAMP,
  message: `The timestamp ${what} that ${setting} allows.`,
})

const invalid = (message: string): RefusedBatch => ({ error: ErrorCodes.INVALID_RECORD, message })
