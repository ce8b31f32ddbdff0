/** A record on its way through a topology. Immutable: an operator that changes one makes another, `{ ...record, value }`. */
export interface StreamRecord<K, V> {
  readonly key: K
  readonly value: V
  /** Milliseconds since the Unix epoch, never negative. */
  readonly timestamp: number
  readonly headers: RecordHeaders
}

/** In order, names may repeat. */
export type RecordHeaders = readonly (readonly [string, Uint8Array | null])[]

export const noHeaders: RecordHeaders = []

/** Where a record was read. */
export interface RecordMetadata {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** What a step answers: nothing, or a promise when something below it waits. A chain that waits for nothing pays no promise. */
export type Done = void | Promise<void>

/** What a callback may answer: the thing, or a promise of it. */
export type MaybePromise<T> = T | PromiseLike<T>

/** Where Kafka Streams has null, callers in JavaScript may leave something out. */
export const isNothing = (value: unknown): value is null | undefined => value === null || value === undefined
