import { type BatchHeader, RecordBatchReader } from '@odradek/protocol'

/** Indexes of a batch's records that have no key. Throws DecodeError when its records do not fit its bytes, or unfold to too many. */
export function keylessRecords(bytes: Uint8Array, header: BatchHeader, maxBytes: number): number[] {
  const keyless: number[] = []
  let index = 0
  for (const record of new RecordBatchReader(bytes, header, maxBytes)) {
    if (record.key === null) keyless.push(index)
    index++
  }
  return keyless
}
