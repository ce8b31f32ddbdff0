import { type Change, changeOf } from '../change.ts'
import { isPromise, type Processor, type ProcessorContext, whenSettled } from '../processor.ts'
import { type Done, isNothing, type MaybePromise, type StreamRecord } from '../record.ts'
import type { Timestamped } from '../state/stores.ts'
import { type TableStore, tableStoreOf } from '../state/table-store.ts'
import type { Folding } from './folding.ts'
import { type Forwarder, forwarderOf } from './forwarder.ts'

/** How rows are added to a group, and taken from it again. */
export interface TableFolding<K = any, V = any, A = any> {
  readonly add: Folding<K, V, A>
  subtract(aggregate: A, value: V, key: K): MaybePromise<A | null>
}

/**
 * Groups of a table's rows. The old value is taken away before the new one is added (streams facts 2.13); from nothing nothing is
 * taken. The result's timestamp is the largest of those it rests on (2.9).
 */
export class TableAggregate<K, V, A> implements Processor<K, Change<V>, K, Change<A>> {
  readonly #storeName: string
  readonly #folding: TableFolding<K, V, A>
  readonly #sendsOldValues: boolean
  #context!: ProcessorContext<K, Change<A>>
  #table!: TableStore<K, A>
  #forward!: Forwarder<K, A>

  constructor(storeName: string, folding: TableFolding<K, V, A>, sendsOldValues: boolean) {
    this.#storeName = storeName
    this.#folding = folding
    this.#sendsOldValues = sendsOldValues
  }

  init(context: ProcessorContext<K, Change<A>>): void {
    this.#context = context
    this.#table = tableStoreOf(context, this.#storeName)
    this.#forward = forwarderOf(this.#table.store, context, this.#sendsOldValues)
  }

  process(record: StreamRecord<K, Change<V>>): Done {
    const { key, value } = record
    if (isNothing(key) || isNothing(value)) {
      this.#context.dropped('a change of a group has no key or says nothing')
      return
    }
    const before = this.#table.get(key)
    if (before === undefined || isNothing(value.oldValue)) return this.#add(record, before, before?.value ?? null)
    const left = this.#folding.subtract(before.value, value.oldValue, key)
    return whenSettled(left, settled => this.#add(record, before, settled ?? null))
  }

  #add(record: StreamRecord<K, Change<V>>, before: Timestamped<A> | undefined, left: A | null): Done {
    const { key, value } = record
    if (isNothing(value.newValue)) return this.#keep(record, before, left)
    const { initial, next } = this.#folding.add
    const beginning = left === null ? initial() : left
    const after = isPromise(beginning)
      ? Promise.resolve(beginning).then(settled => next(settled, value.newValue!, key))
      : next(beginning, value.newValue, key)
    return whenSettled(after, settled => this.#keep(record, before, settled ?? null))
  }

  #keep(record: StreamRecord<K, Change<V>>, before: Timestamped<A> | undefined, after: A | null): Done {
    const { key, headers } = record
    const timestamp = Math.max(record.timestamp, before?.timestamp ?? record.timestamp)
    const oldValue = this.#sendsOldValues ? (this.#table.get(key)?.value ?? null) : null
    const put = this.#table.put(key, after, timestamp)
    if (put === 'not-put') return
    return this.#forward({ key, value: changeOf(after, oldValue, put === 'latest'), timestamp, headers })
  }
}
