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

/** Forwards one after the other, waiting only where a child waits. */
export function forwardEach<K, V>(context: ProcessorContext<K, V>, records: Iterable<StreamRecord<K, V>>): Done {
  const rest = records[Symbol.iterator]()
  for (let next = rest.next(); !next.done; next = rest.next()) {
    const waiting = context.forward(next.value)
    if (waiting) return forwardRest(context, waiting, rest)
  }
}

async function forwardRest<K, V>(
  context: ProcessorContext<K, V>,
  waiting: Promise<void>,
  rest: Iterator<StreamRecord<K, V>>,
): Promise<void> {
  await waiting
  for (let next = rest.next(); !next.done; next = rest.next()) await context.forward(next.value)
}
