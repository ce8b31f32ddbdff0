import type { GetterSupplier, ValueGetter } from '../dsl/flow.ts'
import { inTurn, isPromise, type Processor, type ProcessorContext, whenSettled } from '../processor.ts'
import { type Done, isNothing, type MaybePromise, type StreamRecord } from '../record.ts'
import type { WaitingKey, WaitingStore } from '../state/waiting-store.ts'

export interface StreamTableJoin<K, V, G, W, R> {
  /** The key to look up; for a table that is partitioned as the stream is, the record's own. */
  keyOf(value: V, key: K): MaybePromise<G | null>
  readonly table: GetterSupplier<G, W>
  readonly isLeft: boolean
  join(value: V, row: W | null, key: K): MaybePromise<R>
  /** Records wait for as long, by stream time, so that the table can catch up (KIP-923). */
  readonly grace: { readonly ms: number; readonly buffer: string } | undefined
}

/**
 * A record meets the row that a table has for its key now; with a versioned table, the row it had at the record's time. The result has
 * the record's own timestamp (streams facts 2.9). A change of the table makes no result.
 */
export class StreamTableJoinProcessor<K, V, G, W, R> implements Processor<K, V, K, R> {
  readonly #join: StreamTableJoin<K, V, G, W, R>
  #context!: ProcessorContext<K, R>
  #table!: ValueGetter<G, W>
  #waiting: WaitingStore<K, V> | undefined
  #streamTime = -1
  /** The largest timestamp of those that have waited: as in Kafka Streams, what waits goes by that. */
  #keptTime = -1
  #sequence = 0

  constructor(join: StreamTableJoin<K, V, G, W, R>) {
    this.#join = join
  }

  init(context: ProcessorContext<K, R>): void {
    const { table, grace } = this.#join
    this.#context = context
    this.#table = table.make()
    this.#table.init(context)
    if (!grace) return
    this.#waiting = context.store(grace.buffer)
    for (const [{ sequence, timestamp }] of this.#waiting.all()) {
      this.#sequence = Math.max(this.#sequence, sequence + 1)
      this.#keptTime = Math.max(this.#keptTime, timestamp)
    }
  }

  process(record: StreamRecord<K, V>): Done {
    const { key, value, timestamp } = record
    if (timestamp > this.#streamTime) this.#streamTime = timestamp
    if (isNothing(value)) return this.#context.dropped('it has no value, and is joined with nothing')
    if (!this.#waiting || isNothing(key)) return this.#meet(record)
    const isLate = timestamp < this.#streamTime - this.#join.grace!.ms
    if (!isLate) this.#keep(record)
    const waiting = isLate ? this.#meet(record) : undefined
    return waiting ? waiting.then(() => this.#release()) : this.#release()
  }

  #keep({ key, value, timestamp, headers }: StreamRecord<K, V>): void {
    if (timestamp > this.#keptTime) this.#keptTime = timestamp
    this.#waiting!.put({ timestamp, sequence: this.#sequence, key }, { value, headers })
    this.#sequence = (this.#sequence + 1) & 0x7fffffff
  }

  /** Those whose grace has passed, by time. */
  #release(): Done {
    const horizon = this.#keptTime - this.#join.grace!.ms
    const due: [WaitingKey<K>, StreamRecord<K, V>][] = []
    for (const [at, { value, headers }] of this.#waiting!.all()) {
      if (at.timestamp > horizon) break
      due.push([at, { key: at.key, value, timestamp: at.timestamp, headers }])
    }
    for (const [at] of due) this.#waiting!.delete(at)
    return inTurn(due.values(), ([, record]) => this.#meet(record))
  }

  #meet(record: StreamRecord<K, V>): Done {
    const selected = this.#join.keyOf(record.value, record.key)
    if (isPromise(selected)) return whenSettled(selected, key => this.#meetRow(record, key))
    return this.#meetRow(record, selected)
  }

  #meetRow(record: StreamRecord<K, V>, at: G | null): Done {
    const { isLeft, join } = this.#join
    const { key, value, timestamp, headers } = record
    if (isNothing(at) && !isLeft) return this.#context.dropped('it has no key, and is joined with nothing')
    const row = isNothing(at) ? undefined : this.#row(at, timestamp)
    if (row === undefined && !isLeft) return
    const answer = join(value, row ?? null, key)
    if (isPromise(answer))
      return whenSettled(answer, result => this.#context.forward({ key, value: result, timestamp, headers }))
    return this.#context.forward({ key, value: answer, timestamp, headers })
  }

  #row(key: G, timestamp: number): W | undefined {
    return (this.#table.isVersioned ? this.#table.getAsOf(key, timestamp) : this.#table.get(key))?.value
  }
}
