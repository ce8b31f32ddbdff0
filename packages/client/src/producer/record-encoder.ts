/** From a record as a caller writes it to bytes, by a topic contract. Synchronous unless one of its serdes has declared otherwise. */
import { UsageError } from '@odradek/protocol'
import { shown } from '../options.ts'
import type { AnySerde, SerdeContext } from '../serde.ts'
import type { Topic } from '../topic.ts'
import type { Generation } from './generation.ts'
import type { PendingRecord } from './pending-record.ts'
import type { Receipt } from './receipt.ts'
import { headersOf, type ProducerRecord } from './record.ts'

export class RecordEncoder {
  readonly topic: string
  readonly isAsync: boolean
  readonly #contract: Topic
  readonly #keyContext: SerdeContext
  readonly #valueContext: SerdeContext
  /** The last record that waits for its serdes: the next one follows it. */
  #tail: Promise<unknown> = Promise.resolve()

  constructor(contract: Topic) {
    this.topic = contract.name
    this.#contract = contract
    this.isAsync = contract.key.async === true || contract.value.async === true
    this.#keyContext = { topic: contract.name, part: 'key' }
    this.#valueContext = { topic: contract.name, part: 'value' }
  }

  encode(
    record: ProducerRecord<any, any>,
    timestamp: number,
    receipt: Receipt | undefined,
    generation: Generation,
  ): PendingRecord {
    if (record?.value === undefined) this.#noValue(record)
    const key = bytesOf(this.#contract.key, record.key, this.#keyContext)
    const value = bytesOf(this.#contract.value, record.value, this.#valueContext)
    return {
      key,
      value,
      headers: headersOf(record.headers),
      partition: record.partition,
      timestamp,
      receipt,
      generation,
    }
  }

  /** Both serdes start at once; `then` is called in the order of the calls, or the record has failed. */
  encodeInTurn(
    record: ProducerRecord<any, any>,
    timestamp: number,
    receipt: Receipt | undefined,
    generation: Generation,
    next: (pending: PendingRecord) => void,
  ): Promise<void> {
    if (record?.value === undefined) this.#noValue(record)
    const headers = headersOf(record.headers)
    const parts = Promise.all([
      bytesInTime(this.#contract.key, record.key, this.#keyContext),
      bytesInTime(this.#contract.value, record.value, this.#valueContext),
    ])
    const turn = this.#tail.then(async () => {
      const [key, value] = await parts
      next({ key, value, headers, partition: record.partition, timestamp, receipt, generation })
    })
    this.#tail = turn.catch(() => {})
    return turn
  }

  /** Nothing is deleted because a name was misspelt. */
  #noValue(record: unknown): never {
    const where = `for topic '${this.topic}'`
    if (typeof record !== 'object' || record === null)
      throw new UsageError(`a record ${where} is ${shown(record)}; write { key, value }`)
    throw new UsageError(`a record ${where} has no value; to delete its key, send the value null`)
  }
}

function bytesOf(serde: AnySerde<any>, part: unknown, context: SerdeContext): Uint8Array | null {
  if (part === null || part === undefined) return null
  const bytes = serde.serialize(part, context)
  return bytes instanceof Uint8Array ? bytes : notBytes(serde, context, bytes)
}

async function bytesInTime(serde: AnySerde<any>, part: unknown, context: SerdeContext): Promise<Uint8Array | null> {
  if (part === null || part === undefined) return null
  const bytes = await serde.serialize(part, context)
  return bytes instanceof Uint8Array ? bytes : notBytes(serde, context, bytes)
}

function notBytes(serde: AnySerde<any>, { topic, part }: SerdeContext, found: unknown): never {
  const what =
    found instanceof Promise ? 'a promise; declare the serde `async: true`' : `${typeof found}, not Uint8Array`
  throw new UsageError(`the ${serde.name} serde of the ${part}s of topic '${topic}' gave ${what}`)
}
