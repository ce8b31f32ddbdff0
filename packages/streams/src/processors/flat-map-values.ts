import { forwardEach, type Processor, type ProcessorContext } from '../processor.ts'

/** Every value becomes none, one or several; key, timestamp and headers stay. */
export function flatMapValues<K, V, W>(
  map: (value: V, key: K) => Iterable<W> | Promise<Iterable<W>>,
): Processor<K, V, K, W> {
  let context: ProcessorContext<K, W>
  return {
    init: given => {
      context = given
    },
    process(record) {
      const values = map(record.value, record.key)
      const forward = (some: Iterable<W>) =>
        forwardEach(
          context,
          Iterator.from(some).map(value => ({ ...record, value })) as Iterable<typeof record & { value: W }>,
        )
      return values instanceof Promise ? values.then(forward) : forward(values)
    },
  }
}
