import type { Origin } from '../handlers/error-desk.ts'
import type { MaybePromise, RecordHeaders } from '../record.ts'

/** A record as it leaves a task. Without a partition, the key's bytes decide (murmur2, as everywhere in Kafka). */
export interface OutgoingRecord {
  readonly topic: string
  readonly partition?: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly timestamp: number
  readonly headers: RecordHeaders
}

/** Where sinks and changelogs write. Sending waits for nothing; a commit waits until all that was sent is acknowledged. */
export interface Collector {
  send(record: OutgoingRecord, origin?: Origin): void
  /** It wants to know what each record was made from: somebody is asked when the brokers do not take it. */
  readonly keepsOrigins?: boolean
  /** For partitioners; a promise where that must be asked for. */
  partitionsOf(topic: string): MaybePromise<number>
}
