import { type Change, changeOf } from '../change.ts'
import { isPromise, type Processor, type ProcessorContext } from '../processor.ts'
import { type Done, isNothing, type StreamRecord } from '../record.ts'
import type { Timestamped } from '../state/stores.ts'
import { type TableStore, tableStoreOf } from '../state/table-store.ts'
import { type Folding, fold } from './folding.ts'
import { type Forwarder, forwarderOf } from './forwarder.ts'

/**
 * Makes one value of all records of a key. A record without a key or a value is passed over. The result's timestamp is the largest of
 * those it rests on, so that a late record does not make it older (streams facts 2.9).
 */
export class Aggregate<K, V, A> implements Processor<K, V, K, Change<A>> {
  readonly #storeName: string
  readonly #folding: Folding<K, V, A>
  readonly #sendsOldValues: boolean
  #context!: ProcessorContext<K, Change<A>>
  #table!: TableStore<K, A>
  #forward!: Forwarder<K, A>

  constructor(storeName: string, folding: Folding<K, V, A>, sendsOldValues: boolean) {
    this.#storeName = storeName
    this.#folding = folding
    this.#sendsOldValues = sendsOldValues
  }

  init(context: ProcessorContext<K, Change<A>>): void {
    this.#context = context
    this.#table = tableStoreOf(context, this.#storeName)
    this.#forward = forwarderOf(this.#table.store, context, this.#sendsOldValues)
  }

  process(record: StreamRecord<K, V>): Done {
    const { key, value } = record
    if (isNothing(key) || isNothing(value)) {
      this.#context.dropped('a record to be aggregated has no key or no value')
      return
    }
    const before = this.#table.get(key)
    const after = fold(this.#folding, before, value, key)
    if (!isPromise(after)) return this.#keep(record, before, after)
    return Promise.resolve(after).then(settled => this.#keep(record, before, settled))
  }

  #keep({ key, timestamp, headers }: StreamRecord<K, V>, before: Timestamped<A> | undefined, after: A | null): Done {
    const newest = before !== undefined && before.timestamp > timestamp ? before.timestamp : timestamp
    const oldValue = this.#sendsOldValues ? this.#old(key, before, after) : null
    const put = this.#table.put(key, after ?? null, newest)
    if (put === 'not-put') return
    return this.#forward({
      key,
      value: changeOf(after ?? null, oldValue, put === 'latest'),
      timestamp: newest,
      headers,
    })
  }

  /** A callback that has changed the aggregate itself has not changed what is stored. */
  #old(key: K, before: Timestamped<A> | undefined, after: A | null): A | null {
    if (before === undefined) return null
    if (typeof after === 'object' && after === before.value) return this.#table.get(key)?.value ?? null
    return before.value
  }
}
