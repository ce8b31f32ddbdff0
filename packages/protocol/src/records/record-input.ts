import { Buffer } from 'node:buffer'

/** Text is written as UTF-8; null and left out are the same. */
export type BytesInput = Uint8Array | string | null | undefined

export type HeaderInput = readonly [name: string, value: Uint8Array | string | null]

export interface RecordInput {
  readonly key?: BytesInput
  readonly value?: BytesInput
  /** In order; names may repeat. */
  readonly headers?: readonly HeaderInput[] | undefined
  /** Milliseconds since 1970. */
  readonly timestamp?: number | undefined
}

/** A record takes at most this in a batch: exact for bytes, up to three times too much for text. */
export function recordSizeBound(record: RecordInput): number {
  // Length 5, attributes 1, timestamp delta 10, offset delta 5, header count 5.
  let size = 26 + partBound(record.key) + partBound(record.value)
  if (record.headers) for (const [name, value] of record.headers) size += partBound(name) + partBound(value)
  return size
}

function partBound(part: BytesInput): number {
  if (part === null || part === undefined) return 1
  // Long text is measured rather than guessed, so that a batch of it does not take three times its room.
  if (typeof part === 'string') return part.length <= 1024 ? 5 + part.length * 3 : 5 + Buffer.byteLength(part)
  return 5 + part.length
}
