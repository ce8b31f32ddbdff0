import type { Processor, ProcessorContext } from '../processor.ts'
import type { KeyValueStore } from '../state/key-value-store.ts'
import type { Change } from './change.ts'

/**
 * Counts records by key. A record without a key or a value counts nothing. The count's timestamp is the largest of those it rests on,
 * so that a late record does not make it older (streams facts 2.9).
 */
export function count<K, V>(storeName: string): Processor<K, V, K, Change<number>> {
  let context: ProcessorContext<K, Change<number>>
  let counts: KeyValueStore<K, number>
  return {
    init(given) {
      context = given
      counts = given.store(storeName)
    },
    process({ key, value, timestamp, headers }) {
      if (key === null || key === undefined || value === null || value === undefined) return
      const before = counts.get(key)
      const newest = before ? Math.max(before.timestamp, timestamp) : timestamp
      const newValue = (before?.value ?? 0) + 1
      counts.put(key, newValue, newest)
      return context.forward({ key, value: { oldValue: before?.value ?? null, newValue }, timestamp: newest, headers })
    },
  }
}
