import type { Serde } from '@odradek/client'
import { type Duration, millisecondsOf } from '../duration.ts'
import { isNothing, noHeaders, type RecordHeaders, type StreamRecord } from '../record.ts'
import type { OutgoingRecord } from '../task/collector.ts'

export interface TestInputOptions {
  /** Timestamp of the first record that has none of its own. Default: the driver's wall clock at that moment. */
  startAt?: number
  /** Added after each record that has no timestamp of its own. Default 0. */
  advance?: Duration
}

type Deliver = (record: OutgoingRecord) => Promise<void>

/** A topic to pipe records into. Each `pipe` is done when everything it causes is done. */
export class TestInput<K, V> {
  readonly #topic: string
  readonly #key: Serde<K>
  readonly #value: Serde<V>
  readonly #deliver: Deliver
  readonly #advanceMs: number
  #now: () => number

  constructor(given: {
    topic: string
    key: Serde<K>
    value: Serde<V>
    options: TestInputOptions
    systemTime: () => number
    deliver: Deliver
  }) {
    const { topic, key, value, options, systemTime, deliver } = given
    const { startAt, advance = 0 } = options
    this.#topic = topic
    this.#key = key
    this.#value = value
    this.#deliver = deliver
    this.#advanceMs = millisecondsOf(advance, 'advance')
    this.#now = startAt === undefined ? systemTime : () => startAt
  }

  pipe(key: K | null, value: V | null, timestamp?: number, headers: RecordHeaders = noHeaders): Promise<void> {
    const topic = this.#topic
    return this.#deliver({
      topic,
      key: isNothing(key) ? null : this.#key.serialize(key, { topic, part: 'key' }),
      value: isNothing(value) ? null : this.#value.serialize(value, { topic, part: 'value' }),
      timestamp: timestamp ?? this.#nextTime(),
      headers,
    })
  }

  /** One after the other. */
  async pipeAll(pairs: Iterable<readonly [K | null, V | null]>): Promise<void> {
    for (const [key, value] of pairs) await this.pipe(key, value)
  }

  #nextTime(): number {
    const time = this.#now()
    if (this.#advanceMs > 0) this.#now = () => time + this.#advanceMs
    return time
  }
}

/** What the topology has written to a topic; whatever is read is gone. */
export class TestOutput<K, V> {
  readonly #topic: string
  readonly #key: Serde<K>
  readonly #value: Serde<V>
  readonly #written: () => OutgoingRecord[]

  constructor(given: { topic: string; key: Serde<K>; value: Serde<V>; written: () => OutgoingRecord[] }) {
    this.#topic = given.topic
    this.#key = given.key
    this.#value = given.value
    this.#written = given.written
  }

  /** Records that are there to read. */
  get size(): number {
    return this.#written().length
  }

  /** The eldest; undefined when there is none. */
  readOne(): StreamRecord<K | null, V | null> | undefined {
    const record = this.#written().shift()
    return record && this.#read(record)
  }

  /** All, in order. */
  read(): StreamRecord<K | null, V | null>[] {
    return this.#written()
      .splice(0)
      .map(record => this.#read(record))
  }

  /** All, keys and values alone. */
  readPairs(): [K | null, V | null][] {
    return this.read().map(({ key, value }) => [key, value])
  }

  /** All, as a table: the last value of every key; null is told, too. Keys are the same when their bytes are: windows, too. */
  readTable(): Map<K | null, V | null> {
    const last = new Map<string | null, OutgoingRecord>()
    for (const record of this.#written().splice(0))
      last.set(record.key && Buffer.from(record.key).toString('latin1'), record)
    return new Map(Array.from(last.values(), record => this.#read(record)).map(({ key, value }) => [key, value]))
  }

  #read({ key, value, timestamp, headers }: OutgoingRecord): StreamRecord<K | null, V | null> {
    const topic = this.#topic
    return {
      key: key && this.#key.deserialize(key, { topic, part: 'key' }),
      value: value && this.#value.deserialize(value, { topic, part: 'value' }),
      timestamp,
      headers,
    }
  }
}
