import { Buffer } from 'node:buffer'
import { UsageError } from '../errors.ts'

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

/** A record takes at most this in a batch: nearly exact for bytes, up to three times too much for text. Throws a UsageError for what no record can hold. */
export function recordSizeBound(record: RecordInput): number {
  // Length 5, attributes 1, timestamp delta 10, offset delta 5, header count 5.
  let size = 26 + partBound(record.key) + partBound(record.value)
  if (record.headers) for (const header of record.headers) size += headerBound(header)
  return size
}

function partBound(part: BytesInput): number {
  if (part === null || part === undefined) return 1
  // Long text is measured rather than guessed, so that a batch of it does not take three times its room.
  if (typeof part === 'string') return part.length <= 1024 ? 5 + part.length * 3 : 5 + Buffer.byteLength(part)
  if (part instanceof Uint8Array) return 5 + part.length
  throw new UsageError(`keys, values and header values are Uint8Array, string or null; got ${typeof part}`)
}

function headerBound([name, value]: HeaderInput): number {
  if (typeof name !== 'string') throw new UsageError(`the name of a header is a string; got ${typeof name}`)
  return partBound(name) + partBound(value)
}
