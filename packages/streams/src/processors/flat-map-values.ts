import { type Processor, type ProcessorContext, whenSettled } from '../processor.ts'
import type { Done, StreamRecord } from '../record.ts'

/** Every value becomes none, one or several; key, timestamp and headers stay. */
export function flatMapValues<K, V, W>(
  map: (value: V, key: K) => Iterable<W> | PromiseLike<Iterable<W>>,
): Processor<K, V, K, W> {
  let context: ProcessorContext<K, W>
  return {
    init: given => {
      context = given
    },
    process: record =>
      whenSettled(map(record.value, record.key), values => forwardEach(context, record, values[Symbol.iterator]())),
  }
}

/** One after the other, waiting only where something below waits. */
function forwardEach<K, W>(
  context: ProcessorContext<K, W>,
  { key, timestamp, headers }: StreamRecord<K, unknown>,
  values: Iterator<W>,
): Done {
  for (let next = values.next(); !next.done; next = values.next()) {
    const waiting = context.forward({ key, value: next.value, timestamp, headers })
    if (waiting) return waiting.then(() => forwardEach(context, { key, value: null, timestamp, headers }, values))
  }
}
