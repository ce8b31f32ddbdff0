import type { ReadRequest, ReadResult } from '@odradek/log'
import { eachBatch } from '@odradek/protocol'

/**
 * Whether a limit ended a read before the log did. Such an answer has all it may hold: to wait for the bytes a client would like on top
 * would be to wait for nothing.
 */
export function isCutShort(reads: readonly ReadRequest[], results: readonly ReadResult[]): boolean {
  return results.some(
    (result, i) => result.ok && nextOffset(reads[i]!, result.chunks) < readableEnd(reads[i]!, result.state),
  )
}

function nextOffset({ offset }: ReadRequest, chunks: readonly Uint8Array[]): number {
  let next = offset
  const last = chunks.at(-1)
  if (last) for (const batch of eachBatch(last)) next = batch.lastOffset + 1
  return next
}

const readableEnd = ({ isolation }: ReadRequest, state: { highWatermark: number; lastStableOffset: number }): number =>
  isolation === 'stable' ? state.lastStableOffset : state.highWatermark
