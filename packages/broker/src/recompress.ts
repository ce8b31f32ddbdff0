import { type BatchHeader, batchOverhead, type Codec, codecs, compress, crc32c, decompress } from '@odradek/protocol'
import type { TopicConfig } from './config/topic-config.ts'

/**
 * The batch as its topic's compression.type wants it. The records stay as they are, in one piece; only their compression, the batch's
 * length, the three attribute bits that name the codec, and the checksum change:
 *
 *     0 base offset │ 8 length │ 12 leader epoch │ 16 magic │ 17 crc │ 21 attributes │ 23 … 61 unchanged │ records, compressed anew
 *
 * Throws DecodeError when the records unfold to more than `maxBytes`.
 */
export function recompressed(
  bytes: Uint8Array,
  header: BatchHeader,
  config: TopicConfig,
  maxBytes: number,
): Uint8Array {
  const wanted = config['compression.type'] === 'uncompressed' ? 'none' : (config['compression.type'] as Codec)
  if (wanted === header.compression) return bytes
  const plain = decompress(header.compression, bytes.subarray(batchOverhead, header.end), maxBytes)
  const records = compress(wanted, plain)
  const batch = Buffer.alloc(batchOverhead + records.length)
  batch.set(bytes.subarray(0, batchOverhead))
  batch.set(records, batchOverhead)
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt16BE((header.attributes & ~0x07) | codecs.indexOf(wanted), 21)
  batch.writeUInt32BE(crc32c(batch, 21, batch.length), 17)
  return batch
}
