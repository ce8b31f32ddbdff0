/** Records as callers write them, and what they get back. */
import { type HeaderInput, UsageError } from '@odradek/protocol'
import type { KeyOf, TopicRef, ValueOf } from '../topic.ts'

export type HeadersInput =
  | Readonly<Record<string, Uint8Array | string | null>>
  | Iterable<readonly [name: string, value: Uint8Array | string | null]>

export interface ProducerRecord<K, V> {
  readonly key?: K | null | undefined
  /** Null is a tombstone: it deletes the key from a compacted topic. */
  readonly value: V | null
  /** In order; names may repeat when given as entries. */
  readonly headers?: HeadersInput | undefined
  readonly partition?: number | undefined
  /** Milliseconds since 1970; the time of the call by default. */
  readonly timestamp?: number | undefined
}

export type RecordFor<T extends TopicRef> = ProducerRecord<KeyOf<T>, ValueOf<T>>

export interface RecordMetadata {
  readonly topic: string
  readonly partition: number
  /** -1 when the broker was not asked (acks 0) or no longer knows. */
  readonly offset: number
  /** As in the log: the broker's time when the topic says LogAppendTime. */
  readonly timestamp: number
}

/** Where the records of one `sendAll` went: for each partition the first and last offset of theirs, and how many there are. */
export interface Delivered {
  readonly count: number
  readonly partitions: readonly {
    topic: string
    partition: number
    count: number
    firstOffset: number
    lastOffset: number
  }[]
}

export function headersOf(input: HeadersInput | undefined): readonly HeaderInput[] | undefined {
  if (input === undefined) return undefined
  if (typeof input !== 'object' || input === null)
    throw new UsageError('headers are an object, a Map or a list of [name, value]')
  if (Symbol.iterator in input) return Array.isArray(input) ? input : Array.from(input)
  return Object.entries(input)
}
