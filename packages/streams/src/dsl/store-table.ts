import type { ProcessorContext } from '../processor.ts'
import type { TimestampedKeyValueStore } from '../state/stores.ts'
import type { TableNode, ValueGetter } from './flow.ts'

/** A table that keeps a store: it always knows its old values, and others read it there. */
export function storeTable<K, V>(store: string): TableNode<K, V> {
  let sends = false
  return {
    sendOldValues() {
      sends = true
      return true
    },
    get sendsOldValues() {
      return sends
    },
    getter: () => ({ stores: [store], make: () => storeGetter<K, V>(store) }),
    isVersioned: false,
  }
}

function storeGetter<K, V>(name: string): ValueGetter<K, V> {
  let store: TimestampedKeyValueStore<K, V>
  return {
    init: (context: ProcessorContext) => {
      store = context.store(name)
    },
    get: key => store.get(key),
    getAsOf: key => store.get(key),
    isVersioned: false,
  }
}
