/**
 * What stores are built on: bytes by key, in byte order. One kind for one value a key, one for rows of a key in time (windows, sessions,
 * versions). Each is kept in memory, or on disk with what is not committed yet in memory: the answers are the same.
 */

import { writeInt64 } from './changelog-keys.ts'

/** A key's bytes, and the same as text, one character a byte: equal bytes are equal strings, and strings sort as their bytes do. */
export interface StoreKey {
  readonly bytes: Uint8Array
  readonly text: string
}

export interface Entry {
  readonly value: Uint8Array
  readonly timestamp: number
}

/** Of keys as text; `from` inclusive, `to` inclusive, `before` exclusive. */
export interface TextRange {
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly before?: string | undefined
  readonly reverse?: boolean | undefined
}

export interface KeyTable {
  get(key: StoreKey): Entry | undefined
  set(key: StoreKey, entry: Entry): void
  delete(key: StoreKey): void
  /** In byte order. What changes meanwhile may be seen or not; nothing is seen twice. */
  range(range: TextRange): Iterable<[text: string, Entry]>
  /** Takes records of the changelog; the last of a key counts. */
  restore(records: readonly RestoredRecord[]): void
  /** Approximate. */
  readonly size: number
  close(): void
}

/** A record of a changelog. */
export interface RestoredRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly timestamp: number
}

/** A key's value at a time; `minor` tells rows of one time apart. Null: there was nothing from then on (versioned stores alone). */
export interface Row {
  readonly time: number
  readonly minor: number
  readonly value: Uint8Array | null
  readonly timestamp: number
}

export interface FoundRow extends Row {
  readonly text: string
}

export interface TimeTable {
  get(key: StoreKey, time: number, minor: number): Row | undefined
  set(key: StoreKey, row: Row): void
  delete(key: StoreKey, time: number, minor: number): void
  /** Of one key, with times within the bounds, inclusive, by time and minor. Not to be changed. */
  rows(key: StoreKey, from: number, to: number): readonly Row[]
  /** Of all keys, or of a range of them; in no order. */
  between(from: number, to: number, keys?: TextRange): FoundRow[]
  /** Rows older than this are wanted no more; they go when it is cheap. */
  expire(before: number): void
  /** Kept where the rows are: the last minor that was given out, and the latest time that was put, -1 before the first. */
  counter: number
  latest: number
  close(): void
}

export const textOf = (bytes: Uint8Array): string =>
  (bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)).toString('latin1')

export const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'latin1')

/** The range of all texts that begin so. */
export function prefixRange(prefix: string): TextRange {
  let end = prefix.length
  while (end > 0 && prefix.charCodeAt(end - 1) === 0xff) end--
  if (end === 0) return { from: prefix }
  return { from: prefix, before: prefix.slice(0, end - 1) + String.fromCharCode(prefix.charCodeAt(end - 1) + 1) }
}

export const isWithin = (text: string, { from, to, before }: TextRange): boolean =>
  (from === undefined || text >= from) && (to === undefined || text <= to) && (before === undefined || text < before)

const scratch = Buffer.alloc(8)

/** Eight characters, one a byte, that sort as times do. */
export function textOfTime(time: number): string {
  writeInt64(scratch, 0, Math.min(Math.max(time, 0), Number.MAX_SAFE_INTEGER))
  return scratch.toString('latin1')
}

/** Rows of a moment share a segment: old rows go a segment at a time. */
export const segmentOf = (time: number, segmentMs: number): number => Math.floor(time / segmentMs)

/** Half the retention, at least a minute: never more than three segments are alive. */
export const segmentLength = (retentionMs: number): number => Math.max(Math.ceil(retentionMs / 2), 60_000)
