import { type Processor, type ProcessorContext, whenSettled } from '../processor.ts'

/** A new key for every record. */
export function selectKey<K, V, G>(select: (key: K, value: V) => G | PromiseLike<G>): Processor<K, V, G, V> {
  let context: ProcessorContext<G, V>
  return {
    init: given => {
      context = given
    },
    process: ({ key, value, timestamp, headers }) =>
      whenSettled(select(key, value), selected => context.forward({ key: selected, value, timestamp, headers })),
  }
}
