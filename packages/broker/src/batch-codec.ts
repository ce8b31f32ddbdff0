import { eachBatch } from '@odradek/protocol'

/** Whether any of these whole batches is compressed with zstd, which fetches before version 10 do not know (KIP-110). */
export function holdsZstd(chunks: readonly Uint8Array[]): boolean {
  for (const chunk of chunks) {
    for (const batch of eachBatch(chunk)) if ((batch.attributes & 0x07) === 4) return true
  }
  return false
}
