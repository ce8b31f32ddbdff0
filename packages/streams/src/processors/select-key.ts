import type { Processor, ProcessorContext } from '../processor.ts'

/** A new key for every record. */
export function selectKey<K, V, G>(select: (key: K, value: V) => G | Promise<G>): Processor<K, V, G, V> {
  let context: ProcessorContext<G, V>
  return {
    init: given => {
      context = given
    },
    process(record) {
      const key = select(record.key, record.value)
      return key instanceof Promise
        ? key.then(settled => context.forward({ ...record, key: settled }))
        : context.forward({ ...record, key })
    },
  }
}
