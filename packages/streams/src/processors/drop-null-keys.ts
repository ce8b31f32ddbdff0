import type { Processor, ProcessorContext } from '../processor.ts'

/** Before a repartition topic: a record without a key belongs to no group. */
export function dropNullKeys(): Processor {
  let context: ProcessorContext
  return {
    init: given => {
      context = given
    },
    process: record => (record.key === null || record.key === undefined ? undefined : context.forward(record)),
  }
}
