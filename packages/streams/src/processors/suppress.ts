import type { Change } from '../change.ts'
import { inTurn, type Processor, type ProcessorContext } from '../processor.ts'
import { type Done, isNothing, type StreamRecord } from '../record.ts'
import { StreamsError } from '../streams-error.ts'
import type { BufferedChange, SuppressBuffer } from './suppress-buffer.ts'

export interface Suppression<K> {
  readonly store: string
  readonly waitMs: number
  /** When a key's wait begins: its record's time, or its window's end. */
  readonly timeOf: (key: K, timestamp: number) => number
  /** Nobody has seen a result before: that there is none need not be told. */
  readonly isFinal: boolean
  readonly maxRecords: number
  readonly maxBytes: number
  readonly whenFull: 'emit-early' | 'shut-down'
}

/**
 * Holds the changes of a table back (KIP-328). A key waits from its first change on, later ones replace it and do not begin the wait
 * anew; what has waited long enough by stream time goes out with its own time and headers (streams facts 2.38).
 */
export class Suppress<K, V> implements Processor<K, Change<V>, K, Change<V>> {
  readonly #suppression: Suppression<K>
  readonly #sendsOldValues: boolean
  #streamTime = -1
  #context!: ProcessorContext<K, Change<V>>
  #buffer!: SuppressBuffer<K, V>

  constructor(suppression: Suppression<K>, sendsOldValues: boolean) {
    this.#suppression = suppression
    this.#sendsOldValues = sendsOldValues
  }

  init(context: ProcessorContext<K, Change<V>>): void {
    this.#context = context
    this.#buffer = context.store(this.#suppression.store)
  }

  process(record: StreamRecord<K, Change<V>>): Done {
    const { waitMs, timeOf } = this.#suppression
    if (record.timestamp > this.#streamTime) this.#streamTime = record.timestamp
    this.#buffer.put(record, timeOf(record.key, record.timestamp))
    const due = this.#streamTime - waitMs
    const waiting = this.#evict(() => this.#buffer.earliest <= due)
    return waiting ? waiting.then(() => this.#fit()) : this.#fit()
  }

  #fit(): Done {
    if (!this.#isFull) return
    if (this.#suppression.whenFull === 'emit-early') return this.#evict(() => this.#isFull)
    const { store, maxRecords, maxBytes } = this.#suppression
    const { size, bytes } = this.#buffer
    throw new StreamsError(
      'PROCESSING',
      `The buffer '${store}' of a suppress is full: ${size} of ${maxRecords} records, ${bytes} of ${maxBytes} bytes. Let it hold more, or choose { whenFull: 'emit-early' } with untilTimeLimit.`,
    )
  }

  get #isFull(): boolean {
    const { maxRecords, maxBytes } = this.#suppression
    return this.#buffer.size > maxRecords || this.#buffer.bytes > maxBytes
  }

  #evict(isDue: () => boolean): Done {
    return inTurn(this.#buffer.takeWhile(isDue), change => this.#emit(change))
  }

  #emit({ key, newValue, shownValue, timestamp, headers }: BufferedChange<K, V>): Done {
    if (this.#suppression.isFinal && isNothing(newValue)) return
    const value = { newValue, oldValue: this.#sendsOldValues ? shownValue : null, isLatest: true }
    return this.#context.forward({ key, value, timestamp, headers })
  }
}
