/** A record on its way through a topology. Immutable: an operator that changes one makes another. */
export interface StreamRecord<K, V> {
  readonly key: K
  readonly value: V
  /** Milliseconds since the Unix epoch, never negative. */
  readonly timestamp: number
  readonly headers: RecordHeaders
}

/** In order, names may repeat. */
export type RecordHeaders = readonly (readonly [string, Uint8Array | null])[]

/** What a step answers: nothing, or a promise when something below it waits. A chain that waits for nothing pays no promise. */
export type Done = void | Promise<void>
