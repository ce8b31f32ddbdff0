/** Record batches: what `@odradek/protocol` offers of them. */
export { BatchBuilder, type BuildOptions } from './batch-builder.ts'
export { BatchHeader, eachBatch, magicOf, readBatch } from './batch-header.ts'
export { batchOverhead, type Codec, codecs, type TimestampType } from './batch-layout.ts'
export { hasValidCrc, patchBaseOffset, patchLeaderEpoch, patchMaxTimestamp, patchProducer } from './batch-patch.ts'
export { compress, decompress } from './compression/codec.ts'
export {
  type ControlBatch,
  type ControlBatchInput,
  type ControlType,
  decodeControlBatch,
  encodeControlBatch,
} from './control-batch.ts'
export { crc32c } from './crc32c.ts'
export { type EncodeBatchOptions, encodeBatch } from './encode-batch.ts'
export type { LazyRecord, RecordHeader } from './lazy-record.ts'
export { decodeRecords, defaultMaxDecompressedBytes, RecordBatchReader } from './record-batch-reader.ts'
export { type BytesInput, type HeaderInput, type RecordInput, recordSizeBound } from './record-input.ts'
export { RecordWalk } from './record-walk.ts'
export { type RetainedRecords, retainedBatch } from './retained-batch.ts'
