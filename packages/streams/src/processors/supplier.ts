import type { Processor, ProcessorContext } from '../processor.ts'
import type { Done, StreamRecord } from '../record.ts'

/** Makes a processor for each task; or says what a processor without state does with a record. */
export type ProcessorSupplier<K, V, KOut, VOut> =
  | (() => Processor<K, V, KOut, VOut>)
  | { readonly process: (record: StreamRecord<K, V>, context: ProcessorContext<KOut, VOut>) => Done }

export const processorMaker = <K, V, KOut, VOut>(
  supplier: ProcessorSupplier<K, V, KOut, VOut>,
): (() => Processor<K, V, KOut, VOut>) =>
  typeof supplier === 'function'
    ? supplier
    : () => contextGiving((record, context) => supplier.process(record, context))

function contextGiving<K, V, KOut, VOut>(
  process: (record: StreamRecord<K, V>, context: ProcessorContext<KOut, VOut>) => Done,
): Processor<K, V, KOut, VOut> {
  let context: ProcessorContext<KOut, VOut>
  return {
    init: given => {
      context = given
    },
    process: record => process(record, context),
  }
}
