import { BatchBuilder, type BuildOptions } from './batch-builder.ts'
import type { RecordInput } from './record-input.ts'

export interface EncodeBatchOptions extends BuildOptions {
  /** Timestamp of records that bring none; -1, which is "none", unless given. */
  readonly now?: number | undefined
}

/** Larger ones are not kept between calls. */
const keptCapacity = 1024 * 1024
let scratch = new BatchBuilder()

/** A whole batch from records that are all there: bytes of exactly its size, which belong to the caller. */
export function encodeBatch(
  records: readonly RecordInput[],
  { now = -1, ...options }: EncodeBatchOptions = {},
): Uint8Array {
  const builder = scratch
  builder.reset()
  for (const record of records) builder.append(record, record.timestamp ?? now)
  const batch = builder.build(options)
  if (builder.capacity > keptCapacity) scratch = new BatchBuilder()
  const isView = (options.compression ?? 'none') === 'none'
  return isView ? batch.slice() : batch
}
