import type { Processor, ProcessorContext } from '../processor.ts'
import type { Done, StreamRecord } from '../record.ts'
import { userProcessor } from './user-processor.ts'

/** Makes a processor for each task; or says what a processor without state does with a record. */
export type ProcessorSupplier<K, V, KOut, VOut> =
  | (() => Processor<K, V, KOut, VOut>)
  | { readonly process: (record: StreamRecord<K, V>, context: ProcessorContext<KOut, VOut>) => Done }

export const processorMaker = <K, V, KOut, VOut>(
  name: string,
  supplier: ProcessorSupplier<K, V, KOut, VOut>,
): (() => Processor<K, V, KOut, VOut>) => {
  const make =
    typeof supplier === 'function'
      ? supplier
      : () => contextGiving<K, V, KOut, VOut>((record, context) => supplier.process(record, context))
  return () => userProcessor(name, make())
}

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
