import {
  attribute,
  batchOverhead,
  at as field,
  lengthOverhead,
  readInt16,
  readInt32,
  type TimestampType,
  writeBigInt64,
  writeInt16,
  writeInt32,
  writeInt64,
} from './batch-layout.ts'
import { crc32c } from './crc32c.ts'

/*
 * What a broker changes in a batch it has received, in place. The checksum begins at the attributes, so base offset and leader epoch,
 * which stand before it, cost nothing; the others sum the batch anew.
 */

/** The checksum stands for everything from the attributes on. False also for bytes that hold no whole batch. */
export function hasValidCrc(bytes: Uint8Array, at = 0): boolean {
  const left = bytes.length - at
  if (left < batchOverhead) return false
  const size = readInt32(bytes, at + field.batchLength) + lengthOverhead
  if (size < batchOverhead || size > left) return false
  return crc32c(bytes, at + field.attributes, at + size) === readInt32(bytes, at + field.crc) >>> 0
}

export function patchBaseOffset(bytes: Uint8Array, at: number, offset: number): void {
  writeInt64(bytes, at + field.baseOffset, offset)
}

export function patchLeaderEpoch(bytes: Uint8Array, at: number, epoch: number): void {
  writeInt32(bytes, at + field.partitionLeaderEpoch, epoch)
}

/** With LogAppendTime, `maxTimestamp` becomes the timestamp of every record of the batch. */
export function patchMaxTimestamp(bytes: Uint8Array, at: number, maxTimestamp: number, type: TimestampType): void {
  const others = readInt16(bytes, at + field.attributes) & ~attribute.logAppendTime
  writeInt16(bytes, at + field.attributes, type === 'LogAppendTime' ? others | attribute.logAppendTime : others)
  writeInt64(bytes, at + field.maxTimestamp, maxTimestamp)
  patchCrc(bytes, at)
}

/** A producer that got a new epoch numbers its unsent batches anew. */
export function patchProducer(
  bytes: Uint8Array,
  at: number,
  producer: { producerId: bigint; producerEpoch: number; baseSequence: number },
): void {
  writeBigInt64(bytes, at + field.producerId, producer.producerId)
  writeInt16(bytes, at + field.producerEpoch, producer.producerEpoch)
  writeInt32(bytes, at + field.baseSequence, producer.baseSequence)
  patchCrc(bytes, at)
}

function patchCrc(bytes: Uint8Array, at: number): void {
  const end = at + lengthOverhead + readInt32(bytes, at + field.batchLength)
  writeInt32(bytes, at + field.crc, crc32c(bytes, at + field.attributes, end))
}
