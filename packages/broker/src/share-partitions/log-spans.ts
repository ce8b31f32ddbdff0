import { type BatchHeader, decodeControlBatch, eachBatch } from '@odradek/protocol'
import type { LogSpan } from './acquisition.ts'

/** A batch of what was read, and where its bytes are. */
export interface ReadSpan extends LogSpan {
  readonly chunk: number
  readonly at: number
  readonly size: number
}

export type AbortedTransactions = readonly { readonly producerId: bigint; readonly firstOffset: number }[]

/**
 * What was read, batch by batch; of each only the header is looked at. Markers are nobody's records, nor is what an aborted transaction wrote
 * when `aborted` names it.
 */
export function logSpans(chunks: readonly Uint8Array[], aborted: AbortedTransactions | null): ReadSpan[] {
  const spans: ReadSpan[] = []
  const writers = new AbortedWriters(aborted ?? [])
  for (const [chunk, bytes] of chunks.entries()) {
    for (const batch of eachBatch(bytes)) {
      writers.passBy(batch)
      const isDeliverable = !batch.isControl && !writers.have(batch)
      if (batch.isControl) writers.end(batch, bytes)
      const { at, sizeInBytes: size, baseOffset: first, lastOffset: last } = batch
      spans.push({ chunk, at, size, first, last, isDeliverable })
    }
  }
  return spans
}

/** The producers whose transactions are aborted, as the batches go by. */
class AbortedWriters {
  readonly #coming: { producerId: bigint; firstOffset: number }[]
  readonly #now = new Set<bigint>()

  constructor(aborted: AbortedTransactions) {
    this.#coming = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset)
  }

  /** Also for a marker: its transaction may have begun before what was read. */
  passBy({ lastOffset }: BatchHeader): void {
    while (this.#coming.length > 0 && this.#coming[0]!.firstOffset <= lastOffset)
      this.#now.add(this.#coming.shift()!.producerId)
  }

  have({ isTransactional, producerId }: BatchHeader): boolean {
    return isTransactional && this.#now.has(producerId)
  }

  end({ producerId, at }: BatchHeader & { at: number }, bytes: Uint8Array): void {
    if (this.#now.has(producerId) && isAbort(bytes, at)) this.#now.delete(producerId)
  }
}

const isAbort = (bytes: Uint8Array, at: number): boolean => decodeControlBatch(bytes, at).type === 'abort'

/** The bytes of the batches from the one that holds `first` to the one that holds `last`. */
export function sliced(
  chunks: readonly Uint8Array[],
  spans: readonly ReadSpan[],
  { first, last }: { first: number; last: number },
): Uint8Array[] {
  const wanted = spans.filter(span => span.last >= first && span.first <= last)
  const parts: Uint8Array[] = []
  for (let i = 0; i < wanted.length; ) {
    const { chunk, at } = wanted[i]!
    let end = at
    for (; i < wanted.length && wanted[i]!.chunk === chunk; i++) end = wanted[i]!.at + wanted[i]!.size
    parts.push(chunks[chunk]!.subarray(at, end))
  }
  return parts
}
