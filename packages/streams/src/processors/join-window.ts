import type { Processor, ProcessorContext } from '../processor.ts'
import { isNothing } from '../record.ts'
import type { JoinWindowStore } from '../state/stores.ts'

/** Keeps one side's records for the other side to find. What has no key or no value is never found, and goes on all the same. */
export function rememberForJoin<K, V>(storeName: string): Processor<K, V, K, V> {
  let context: ProcessorContext<K, V>
  let store: JoinWindowStore<K, V>
  return {
    init(given) {
      context = given
      store = given.store(storeName)
    },
    process(record) {
      if (!isNothing(record.key) && !isNothing(record.value)) store.put(record.key, record.value, record.timestamp)
      return context.forward(record)
    },
  }
}
