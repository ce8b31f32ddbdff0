/**
 * A record as applications see it: a view of fetched bytes, read and deserialised when first asked for, and once only. Keeping one
 * keeps its fetched buffer (a megabyte, maybe); `clone()` keeps the record alone.
 */
import type { RecordHeader } from '@odradek/protocol'
import type { Serde } from '../serde.ts'
import type { Topic, TopicRef } from '../topic.ts'
import { RecordHeaders } from './record-headers.ts'

/** What a record is a view of. */
export interface RawRecord {
  readonly offset: number
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: RecordHeader[]
}

/** What the records of one partition share. */
export interface RecordSource {
  readonly topic: string
  readonly partition: number
  readonly contract: Topic
  /** Aborts when the partition is taken away. */
  readonly signal: AbortSignal
}

const unread: unique symbol = Symbol('unread')

export class ConsumerRecord<K = unknown, V = unknown, N extends string = string> {
  readonly #raw: RawRecord
  readonly #source: RecordSource
  #key: K | null | typeof unread = unread
  #value: V | null | typeof unread = unread
  #headers: RecordHeaders | undefined

  constructor(raw: RawRecord, source: RecordSource) {
    this.#raw = raw
    this.#source = source
  }

  get topic(): N {
    return this.#source.topic as N
  }

  get partition(): number {
    return this.#source.partition
  }

  get offset(): number {
    return this.#raw.offset
  }

  /** Milliseconds since 1970. */
  get timestamp(): number {
    return this.#raw.timestamp
  }

  /** Throws what the serde throws when the bytes do not fit it. */
  get key(): K | null {
    if (this.#key === unread) this.#key = this.#read(this.#raw.key, 'key') as K | null
    return this.#key
  }

  /** Null is a tombstone. Throws what the serde throws when the bytes do not fit it. */
  get value(): V | null {
    if (this.#value === unread) this.#value = this.#read(this.#raw.value, 'value') as V | null
    return this.#value
  }

  get headers(): RecordHeaders {
    this.#headers ??= new RecordHeaders(this.#raw.headers)
    return this.#headers
  }

  /** The key as it came. */
  get keyBytes(): Uint8Array | null {
    return this.#raw.key
  }

  /** The value as it came. */
  get valueBytes(): Uint8Array | null {
    return this.#raw.value
  }

  /** Aborts when the partition is taken away from this consumer: what is being done with the record will be done again elsewhere. */
  get signal(): AbortSignal {
    return this.#source.signal
  }

  /** The same record with bytes of its own. */
  clone(): ConsumerRecord<K, V, N> {
    const { offset, timestamp, key, value, headers } = this.#raw
    const copy = (bytes: Uint8Array | null) => bytes && Uint8Array.from(bytes)
    const raw = {
      offset,
      timestamp,
      key: copy(key),
      value: copy(value),
      headers: headers.map(([name, bytes]): RecordHeader => [name, copy(bytes)]),
    }
    return new ConsumerRecord(raw, this.#source)
  }

  toJSON(): { topic: N; partition: number; offset: number; timestamp: number; key: K | null; value: V | null } {
    const { topic, partition, offset, timestamp, key, value } = this
    return { topic, partition, offset, timestamp, key, value }
  }

  #read(bytes: Uint8Array | null, part: 'key' | 'value'): unknown {
    if (bytes === null) return null
    const { contract, topic } = this.#source
    return (contract[part] as Serde<unknown>).deserialize(bytes, { topic, part })
  }

  /** For serdes that must wait: what they answer is awaited here, before the record is handed out. */
  static async ready(record: ConsumerRecord): Promise<void> {
    const [key, value] = await Promise.all([record.key, record.value])
    record.#key = key
    record.#value = value
  }
}

/** The record type of a topic contract; of a bare name: bytes. Over several topics: a union that `topic` tells apart. */
export type RecordOf<T extends TopicRef> =
  T extends Topic<infer K, infer V, infer N>
    ? ConsumerRecord<K, V, N>
    : T extends string
      ? ConsumerRecord<Uint8Array, Uint8Array, T>
      : never
