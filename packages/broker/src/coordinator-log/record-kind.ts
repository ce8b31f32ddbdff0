import type { RecordInput } from '@odradek/protocol'

/** How the records of a coordinator's topic look as bytes. */
export interface RecordKind<R> {
  encode(record: R): RecordInput
  /**
   * Null for a record of no kind we know: it stays in the log, and is not looked at. Throws a DecodeError for one that is damaged. What
   * is kept of the bytes must be copied: they are part of a larger read.
   */
  decode(key: Uint8Array, value: Uint8Array | null): R | null
}

/**
 * What the records of one shard add up to. `apply` is the only way it changes, and is called for what is durable: as it is written, and
 * again when the broker starts. Then only the last record of each key is applied, and the keys in any order: records of different keys
 * must not lean on each other.
 */
export interface Image<R> {
  /** `offset` is where the record stands. Of a key the record with the highest offset counts, whenever it is applied. */
  apply(record: R, offset: number): void
  /** The record belongs to a transaction that is open: it does not count yet. */
  hold?(record: R, offset: number, producerId: bigint): void
  /** The transaction ends: what was held of it is applied with its own offsets (so it may come too late), or forgotten. */
  release?(producerId: bigint, outcome: Outcome): void
}

export type Outcome = 'commit' | 'abort'

export interface TransactionalProducer {
  readonly producerId: bigint
  readonly producerEpoch: number
}

export interface Marker extends TransactionalProducer {
  readonly coordinatorEpoch: number
  readonly outcome: Outcome
  /** Its epoch is above that of everything it ends (KIP-890), so that one that comes late ends nothing. */
  readonly endsEarlierEpoch?: boolean
}
