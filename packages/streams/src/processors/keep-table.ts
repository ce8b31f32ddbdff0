import { type Change, changeOf } from '../change.ts'
import type { Processor, ProcessorContext } from '../processor.ts'
import { type TableStore, tableStoreOf } from '../state/table-store.ts'
import { type Forwarder, forwarderOf } from './forwarder.ts'

/** Passes changes of a table on, and keeps it where a store is named. Old values only where somebody below needs them. */
export function keepTable<K, V>(
  store: string | undefined,
  sendsOldValues: boolean,
): Processor<K, Change<V>, K, Change<V>> {
  let context: ProcessorContext<K, Change<V>>
  let table: TableStore<K, V> | undefined
  let forward: Forwarder<K, V>
  return {
    init(given) {
      context = given
      if (store === undefined) return
      table = tableStoreOf(given, store)
      forward = forwarderOf(table.store, given, sendsOldValues)
    },
    process(record) {
      const { key, value: change, timestamp, headers } = record
      if (!table) {
        if (sendsOldValues || change.oldValue === null) return context.forward(record)
        return context.forward({ key, value: changeOf(change.newValue, null, change.isLatest), timestamp, headers })
      }
      const before = sendsOldValues ? (table.get(key)?.value ?? null) : null
      const put = table.put(key, change.newValue, timestamp)
      if (put === 'not-put') return
      return forward({ key, value: changeOf(change.newValue, before, change.isLatest), timestamp, headers })
    },
  }
}
