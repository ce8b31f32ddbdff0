import type { Processor, ProcessorContext } from '../processor.ts'
import { isNothing } from '../record.ts'

/** Before a repartition topic: a record without a key belongs to no group. */
export function dropNullKeys(): Processor {
  let context: ProcessorContext
  return {
    init: given => {
      context = given
    },
    process: record => (isNothing(record.key) ? undefined : context.forward(record)),
  }
}
