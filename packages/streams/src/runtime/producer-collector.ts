import { type Producer, type ProducerRecord, ProtocolError } from '@odradek/client'
import { StreamsError } from '../streams-error.ts'
import type { Collector, OutgoingRecord } from '../task/collector.ts'
import { untilAborted } from './until-aborted.ts'

type Bytes = ProducerRecord<Uint8Array, Uint8Array>

/**
 * What an instance's tasks write, through one producer. A record costs no promise: it is handed over, and a failure of any shows at
 * the next `room` or `flush`, before an offset that rests on it can be committed. From then on nothing is taken.
 */
export class ProducerCollector implements Collector {
  readonly #producer: Producer
  /** The nodes or stores that write a topic, for messages. */
  readonly #writersOf: (topic: string) => string
  #hasRoom = true
  #failure: StreamsError | undefined

  readonly partitionsOf: (topic: string) => number

  constructor(
    producer: Producer,
    topics: { writersOf: (topic: string) => string; partitionsOf: (topic: string) => number },
  ) {
    this.#producer = producer
    this.#writersOf = topics.writersOf
    this.partitionsOf = topics.partitionsOf
  }

  send(record: OutgoingRecord): void {
    // In bytes already: the topic is named by text, whose contract is bytes.
    this.#hasRoom = this.#producer.enqueue(record.topic, record as Bytes)
  }

  /** Waits while the producer's buffer is full; throws when something sent could not be delivered. */
  async room(signal: AbortSignal): Promise<void> {
    this.#check(this.#producer.failure)
    if (this.#hasRoom) return
    await untilAborted(this.#producer.ready, signal)
    this.#hasRoom = true
    this.#check(this.#producer.failure)
  }

  /** Resolves when everything sent is acknowledged. */
  async flush(signal: AbortSignal): Promise<void> {
    this.#check(this.#producer.failure)
    try {
      await this.#producer.flush({ signal })
    } catch (error) {
      if (signal.aborted) throw error
      this.#check(error as Error)
    }
  }

  /** What has not been acknowledged is given up. */
  async close(): Promise<void> {
    await this.#producer.close({ signal: AbortSignal.abort() }).catch(() => {})
  }

  #check(failure: Error | undefined): void {
    if (failure) this.#failure ??= undelivered(failure, this.#writersOf)
    if (this.#failure) throw this.#failure
  }
}

function undelivered(cause: Error, writersOf: (topic: string) => string): StreamsError {
  const first = cause instanceof AggregateError ? (cause.errors[0] as Error) : cause
  const { topic, partition } = first instanceof ProtocolError ? first : {}
  const who = topic === undefined ? 'this application' : writersOf(topic)
  const where = topic === undefined ? '' : ` to ${topic}${partition === undefined ? '' : `-${partition}`}`
  return new StreamsError(
    'PRODUCTION',
    `What ${who} wrote${where} could not be delivered: ${cause.message} Offsets were not committed: it is processed again after a restart.`,
    { cause, ...(topic !== undefined && { topic, node: who }), ...(partition !== undefined && { partition }) },
  )
}
