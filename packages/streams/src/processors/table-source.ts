import { type Change, changeOf } from '../change.ts'
import type { Processor, ProcessorContext } from '../processor.ts'
import { isNothing } from '../record.ts'
import { type TableStore, tableStoreOf } from '../state/table-store.ts'
import { type Forwarder, forwarderOf } from './forwarder.ts'

/**
 * Records of a topic as changes of a table. Without a history they count in the order of their offsets, also when they are older by
 * timestamp (streams facts 2.11); identical ones are passed on (2.17). Without a store nothing is known of old values.
 */
export function tableSource<K, V>(
  store: string | undefined,
  sendsOldValues: boolean,
): Processor<K, V | null, K, Change<V>> {
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
    process({ key, value, timestamp, headers }) {
      if (isNothing(key)) {
        context.dropped('a record of a table has no key')
        return
      }
      if (!table) return context.forward({ key, value: changeOf(value, null), timestamp, headers })
      const before = sendsOldValues ? (table.get(key)?.value ?? null) : null
      const put = table.put(key, value, timestamp)
      if (put === 'not-put') return
      return forward({ key, value: changeOf(value, before, put === 'latest'), timestamp, headers })
    },
  }
}
