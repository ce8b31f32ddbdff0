/**
 * A data folder that a release left behind, and what must be read from it for ever:
 *
 *   formats/0.1.0/manifest.json   per folder: topics with their records, groups with their offsets, producers with their sequences
 *   formats/0.1.0/clean/          after SIGTERM
 *   formats/0.1.0/killed/         after SIGKILL in the middle of things, with half a batch at the end of one log
 */
import type { Codec } from '@odradek/protocol'

export interface Manifest {
  readonly release: string
  readonly folders: Readonly<Record<string, GoldenFolder>>
}

export interface GoldenFolder {
  readonly clusterId: string
  readonly topics: readonly GoldenTopic[]
  /** Topics that were deleted: they must not be there, nor anything of them. */
  readonly deleted: readonly string[]
  readonly offsets: readonly GoldenOffset[]
  readonly producers: readonly GoldenProducer[]
  /** Half a batch was appended here by hand: its bytes must be gone, and nothing else. */
  readonly torn?: { readonly topic: string; readonly partition: number; readonly bytes: number }
}

export interface GoldenTopic {
  readonly name: string
  readonly id: string
  readonly config: Readonly<Record<string, string>>
  readonly partitions: readonly GoldenPartition[]
}

export interface GoldenPartition {
  readonly start: number
  readonly end: number
  readonly records: readonly GoldenRecord[]
}

/** Offset, timestamp, key, value, headers; all bytes as text. */
export type GoldenRecord = readonly [
  offset: number,
  timestamp: number,
  key: string | null,
  value: string | null,
  headers?: readonly (readonly [string, string | null])[],
]

export interface GoldenOffset {
  readonly group: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly metadata: string
}

/** An idempotent producer and the last batch it wrote: the same bytes again are a duplicate, the next sequence is taken, a later one is not. */
export interface GoldenProducer {
  readonly id: string
  readonly epoch: number
  readonly topic: string
  readonly partition: number
  readonly baseSequence: number
  readonly baseOffset: number
  readonly values: readonly string[]
  readonly compression: Codec
}

export const text = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString('utf8')
