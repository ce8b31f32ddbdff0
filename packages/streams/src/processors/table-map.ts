import { UsageError } from '@odradek/client'
import { type Change, changeOf } from '../change.ts'
import { isPromise, type Processor, type ProcessorContext } from '../processor.ts'
import { type TableStore, tableStoreOf } from '../state/table-store.ts'
import { type Forwarder, forwarderOf } from './forwarder.ts'

/** A table's value made of another's; null: there is none. Pure: it is asked again whenever somebody reads the table (streams facts 2.16). */
export type TableMapping<K, V, W> = (value: V, key: K) => W | null

export interface TableMapOptions {
  /** Where the table is kept; undefined: nowhere, it is made of the one above when it is read. */
  readonly store: string | undefined
  readonly sendsOldValues: boolean
  /** Null after null says nothing to those below, and a filter keeps it to itself; one of a versioned table does not (streams facts 2.15). */
  readonly passesNullAfterNull: boolean
}

/** `mapValues` and `filter` of tables: new and old value mapped. */
export function tableMap<K, V, W>(
  mapping: TableMapping<K, V, W>,
  { store, sendsOldValues, passesNullAfterNull }: TableMapOptions,
): Processor<K, Change<V>, K, Change<W>> {
  let context: ProcessorContext<K, Change<W>>
  let table: TableStore<K, W> | undefined
  let forward: Forwarder<K, W>
  const oldOf = (key: K, oldValue: V | null): W | null => {
    if (!sendsOldValues) return null
    return table ? (table.get(key)?.value ?? null) : mapped(mapping, oldValue, key)
  }
  return {
    init(given) {
      context = given
      if (store === undefined) return
      table = tableStoreOf(given, store)
      forward = forwarderOf(table.store, given, sendsOldValues)
    },
    process({ key, value: change, timestamp, headers }) {
      const newValue = mapped(mapping, change.newValue, key)
      const oldValue = oldOf(key, change.oldValue)
      if (!passesNullAfterNull && sendsOldValues && newValue === null && oldValue === null) return
      const value = changeOf(newValue, oldValue, change.isLatest)
      if (!table) return context.forward({ key, value, timestamp, headers })
      if (table.put(key, newValue, timestamp) !== 'not-put') return forward({ key, value, timestamp, headers })
    },
  }
}

/** Null stays null. A promise would have to be waited for by everybody who reads the table. */
export function mapped<K, V, W>(mapping: TableMapping<K, V, W>, value: V | null, key: K): W | null {
  if (value === null) return null
  const answer = mapping(value, key)
  if (isPromise(answer))
    throw new UsageError(
      'a callback of a table answered with a promise, and tables are read at once: wait in the stream, `toStream().mapValues(…).toTable()`',
    )
  return answer ?? null
}
