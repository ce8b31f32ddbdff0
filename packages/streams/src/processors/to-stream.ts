import type { Change } from '../change.ts'
import type { Processor, ProcessorContext } from '../processor.ts'

/** A table's changes as records: the new value alone. */
export function toStream<K, V>(): Processor<K, Change<V>, K, V | null> {
  let context: ProcessorContext<K, V | null>
  return {
    init: given => {
      context = given
    },
    process: ({ key, value, timestamp, headers }) =>
      context.forward({ key, value: value.newValue, timestamp, headers }),
  }
}
