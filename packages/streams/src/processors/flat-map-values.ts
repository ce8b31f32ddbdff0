import { inTurn, type Processor, type ProcessorContext, whenSettled } from '../processor.ts'
import type { MaybePromise } from '../record.ts'

/** Every value becomes none, one or several; key, timestamp and headers stay. */
export function flatMapValues<K, V, W>(map: (value: V, key: K) => MaybePromise<Iterable<W>>): Processor<K, V, K, W> {
  let context: ProcessorContext<K, W>
  return {
    init: given => {
      context = given
    },
    process: ({ key, value, timestamp, headers }) =>
      whenSettled(map(value, key), values =>
        inTurn(values[Symbol.iterator](), next => context.forward({ key, value: next, timestamp, headers })),
      ),
  }
}
