import { type Change, changeOf } from '../change.ts'
import type { ProcessorContext } from '../processor.ts'
import type { Done, StreamRecord } from '../record.ts'
import type { StateStore } from '../state/state-store.ts'
import type { Caching } from '../state/stores.ts'

/** Passes a change on at once; where the store has a cache, that passes it on later, when it is full or at a commit. */
export type Forwarder<K, V> = (record: StreamRecord<K, Change<V>>) => Done

/** To be made once, when a processor that puts into the store begins. Old values are left out where nobody below needs them. */
export function forwarderOf<K, V>(
  store: StateStore & Partial<Caching<K, V>>,
  context: ProcessorContext<K, Change<V>>,
  sendOldValues: boolean,
): Forwarder<K, V> {
  const isCached = store.onEviction?.(
    ({ key, newValue, oldValue, timestamp, headers }) =>
      context.forward({ key, value: changeOf(newValue, sendOldValues ? oldValue : null), timestamp, headers }),
    { sendOldValues },
  )
  if (isCached) return () => store.makeRoom?.()
  if (sendOldValues) return record => context.forward(record)
  return ({ key, value, timestamp, headers }) =>
    context.forward({ key, value: changeOf(value.newValue, null, value.isLatest), timestamp, headers })
}
