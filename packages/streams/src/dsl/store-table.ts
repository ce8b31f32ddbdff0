import { type TableStore, tableStoreOf } from '../state/table-store.ts'
import type { GetterSupplier, TableNode } from './flow.ts'

/** A table that keeps a store: it always knows its old values, and others read it there. */
export function storeTable<K, V>(store: string, { isVersioned = false } = {}): TableNode<K, V> {
  let sends = false
  return {
    sendOldValues() {
      sends = true
      return true
    },
    get sendsOldValues() {
      return sends
    },
    getter: () => storeGetter<K, V>(store, isVersioned),
    isVersioned,
  }
}

/** Reads a table's values from its store. */
export function storeGetter<K, V>(name: string, isVersioned: boolean): GetterSupplier<K, V> {
  return {
    stores: [name],
    make() {
      let table: TableStore<K, V>
      return {
        init: context => {
          table = tableStoreOf(context, name)
        },
        get: key => table.get(key),
        getAsOf: (key, timestamp) => table.getAsOf(key, timestamp),
        isVersioned,
      }
    },
  }
}
