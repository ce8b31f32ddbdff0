import assert from 'node:assert/strict'
import {
  type BatchHeader,
  batchOverhead,
  type Codec,
  codecs,
  compress,
  crc32c,
  RecordBatchReader,
} from '@odradek/protocol'
import type { TopicConfig } from './config/topic-config.ts'

/**
 * The batch as its topic's compression.type wants it. The records stay as they are, in one piece; only their compression, the batch's
 * length, the three attribute bits that name the codec, and the checksum change:
 *
 *     0 base offset │ 8 length │ 12 leader epoch │ 16 magic │ 17 crc │ 21 attributes │ 23 … 61 unchanged │ records, compressed anew
 *
 * Throws DecodeError when the records unfold to more than `maxBytes`, or do not fill their bytes: the new checksum vouches for them.
 */
export function recompressed(
  bytes: Uint8Array,
  header: BatchHeader,
  config: TopicConfig,
  maxBytes: number,
): Uint8Array {
  const wanted = config['compression.type'] === 'uncompressed' ? 'none' : (config['compression.type'] as Codec)
  if (wanted === header.compression) return bytes
  const records = compress(wanted, plainRecords(bytes, header, maxBytes))
  const batch = Buffer.alloc(batchOverhead + records.length)
  batch.set(bytes.subarray(0, batchOverhead))
  batch.set(records, batchOverhead)
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt16BE((header.attributes & ~0x07) | codecs.indexOf(wanted), 21)
  batch.writeUInt32BE(crc32c(batch, 21, batch.length), 17)
  return batch
}

function plainRecords(bytes: Uint8Array, header: BatchHeader, maxBytes: number): Uint8Array {
  const reader = new RecordBatchReader(bytes, header, maxBytes)
  let count = 0
  for (const _ of reader) count++
  assert.equal(count, header.recordCount)
  return header.compression === 'none' ? bytes.subarray(batchOverhead, header.end) : reader.cursor.bytes
}
