import { DecodeError } from '../errors.ts'
import { batchOverhead, readInt16, readInt32, writeInt16, writeInt32 } from './batch-layout.ts'
import { sealBatch } from './batch-seal.ts'
import { decodeRecords } from './record-batch-reader.ts'

/** By their number in the key of a control record. Clients heed the first two and pass over the others. */
const controlTypes = [
  'abort',
  'commit',
  'leader-change',
  'snapshot-header',
  'snapshot-footer',
  'kraft-version',
  'kraft-voters',
] as const
export type ControlType = (typeof controlTypes)[number] | 'unknown'

export interface ControlBatch {
  readonly type: ControlType
  /** Of the transaction coordinator that wrote an abort or commit; -1 for other types. */
  readonly coordinatorEpoch: number
}

export interface ControlBatchInput {
  readonly type: 'abort' | 'commit'
  readonly coordinatorEpoch: number
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly timestamp: number
  readonly baseOffset?: number
  readonly leaderEpoch?: number
}

/**
 * The marker that ends a transaction in a partition: a batch of one record, which takes one offset and which no application sees.
 *
 *     length 16 · attributes 0 · timestampDelta 0 · offsetDelta 0 · 4 · { version int16, type int16 } · 6 · { version int16, coordinatorEpoch int32 } · 0 headers
 */
export function encodeControlBatch(input: ControlBatchInput): Uint8Array {
  const { type, coordinatorEpoch, timestamp, ...fields } = input
  const bytes = new Uint8Array(batchOverhead + 17)
  let at = batchOverhead
  bytes[at++] = 16 << 1
  at += 3
  bytes[at++] = 4 << 1
  writeInt16(bytes, at + 2, controlTypes.indexOf(type))
  at += 4
  bytes[at++] = 6 << 1
  writeInt32(bytes, at + 2, coordinatorEpoch)
  return sealBatch(bytes, {
    ...fields,
    recordCount: 1,
    baseTimestamp: timestamp,
    maxTimestamp: timestamp,
    compression: 'none',
    transactional: true,
    control: true,
  })
}

/** What the control batch at `at` says. Fields of later versions, behind the known ones, are passed over. */
export function decodeControlBatch(bytes: Uint8Array, at = 0): ControlBatch {
  const batch = decodeRecords(bytes, at)
  if (!batch.header.isControl) throw new DecodeError(`record batch at byte ${at} is no control batch`)
  const [record] = batch
  if (!record?.key || record.key.length < 4)
    throw new DecodeError(`control batch at byte ${at} has no record with a key of version and type`)
  const type = controlTypes[readInt16(record.key, 2)] ?? 'unknown'
  if (type !== 'abort' && type !== 'commit') return { type, coordinatorEpoch: -1 }
  if (!record.value || record.value.length < 6)
    throw new DecodeError(`control batch at byte ${at} has no value of version and coordinator epoch`)
  return { type, coordinatorEpoch: readInt32(record.value, 2) }
}
