import type { Done, StreamRecord } from './record.ts'
import type { StateStore } from './state/state-store.ts'

/** A step of a topology. One instance per task: its fields are the task's own. */
export interface Processor<KIn = any, VIn = any, KOut = any, VOut = any> {
  /** Before the first record; stores are restored by then. */
  init?(context: ProcessorContext<KOut, VOut>): void
  /** One record at a time and in order: the next comes when this one is done. */
  process(record: StreamRecord<KIn, VIn>): Done
  close?(): void
}

/** What a processor may ask of the task it runs in. */
export interface ProcessorContext<K = any, V = any> {
  /** Passes a record on to every child; await what it answers. */
  forward(record: StreamRecord<K, V>): Done
  /** A store that was connected to this processor; anything else is a UsageError that lists those that are. */
  store<S extends StateStore>(name: string): S
  /** `<sub-topology>_<partition>`. */
  readonly taskId: string
  /** Largest timestamp this task has seen, -1 before the first record. */
  readonly streamTime: number
}

/** Goes on with what a callback answered: at once, or when its promise has settled. */
export function whenSettled<T>(answer: T | PromiseLike<T>, go: (value: T) => Done): Done {
  return isPromise(answer) ? Promise.resolve(answer).then(go) : go(answer)
}

const isPromise = <T>(answer: T | PromiseLike<T>): answer is PromiseLike<T> =>
  typeof answer === 'object' && answer !== null && typeof (answer as PromiseLike<T>).then === 'function'
