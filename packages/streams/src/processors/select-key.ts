import { type Processor, type ProcessorContext, whenSettled } from '../processor.ts'
import type { MaybePromise } from '../record.ts'

/** A new key for every record. */
export function selectKey<K, V, G>(select: (value: V, key: K) => MaybePromise<G>): Processor<K, V, G, V> {
  let context: ProcessorContext<G, V>
  return {
    init: given => {
      context = given
    },
    process: ({ key, value, timestamp, headers }) =>
      whenSettled(select(value, key), selected => context.forward({ key: selected, value, timestamp, headers })),
  }
}
