import { type Change, changeOf } from '../change.ts'
import type { Processor, ProcessorContext } from '../processor.ts'
import { isNothing } from '../record.ts'
import type { TimestampedKeyValueStore } from '../state/stores.ts'
import { type Forwarder, forwarderOf } from './forwarder.ts'

/**
 * Counts records by key. A record without a key or a value counts nothing. The count's timestamp is the largest of those it rests on,
 * so that a late record does not make it older (streams facts 2.9).
 */
export function count<K, V>(storeName: string, sendsOldValues: () => boolean): Processor<K, V, K, Change<number>> {
  let context: ProcessorContext<K, Change<number>>
  let counts: TimestampedKeyValueStore<K, number>
  let forwarder: Forwarder<K, number>
  return {
    init(given) {
      context = given
      counts = given.store(storeName)
      forwarder = forwarderOf(counts, given, sendsOldValues())
    },
    process({ key, value, timestamp, headers }) {
      if (isNothing(key) || isNothing(value)) {
        context.dropped('it has no key or no value')
        return
      }
      const before = counts.get(key)
      const newest = before ? Math.max(before.timestamp, timestamp) : timestamp
      const newValue = (before?.value ?? 0) + 1
      counts.put(key, newValue, newest)
      return forwarder({ key, value: changeOf(newValue, before?.value ?? null), timestamp: newest, headers })
    },
  }
}
