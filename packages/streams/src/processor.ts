import type { Duration } from './duration.ts'
import type { Done, MaybePromise, RecordMetadata, StreamRecord } from './record.ts'
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
  /** Passes a record on to every child, or to the one that is named; await what it answers. */
  forward(record: StreamRecord<K, V>, child?: string): Done
  /** A store that was connected to this processor; anything else is a UsageError that lists those that are. */
  store<S extends StateStore>(name: string): S
  /**
   * Calls `punctuate` now and then, between records, never during one (KIP-138, KIP-1146). By stream time: first as soon as that is
   * known, then when it has passed another multiple of `everyMs`, missed ones are skipped. By wall clock: first after one interval.
   * `startAt` anchors the intervals. `recordMetadata` is undefined meanwhile.
   */
  schedule(punctuation: Punctuation, punctuate: (timestamp: number) => Done): Cancellable
  /** Asks for a commit soon; it is made after this record. */
  commit(): void
  readonly applicationId: string
  /** `<sub-topology>_<partition>`. */
  readonly taskId: string
  /** Of the record that is being processed; undefined in a punctuation. */
  readonly recordMetadata: RecordMetadata | undefined
  /** Largest timestamp this task has seen, -1 before the first record. */
  readonly streamTime: number
  /** The clock's time; in the test driver the one it was given. */
  readonly systemTime: number
  /** Wall clock between two times at which what has waited for time to pass is passed on; the test driver never waits. */
  readonly emitIntervalMs: number
  /** Counts a record that is passed over: `dropped-records` of the task. The reason is for the log. */
  dropped(reason: string): void
  /** How far an operator has come, kept in the metadata of committed offsets (streams facts 2.30); undefined: nothing yet. */
  progress(name: string): number | undefined
  keepProgress(name: string, value: number): void
}

export interface Punctuation {
  every: Duration
  by: 'stream-time' | 'wall-clock'
  startAt?: number
}

export interface Cancellable {
  cancel(): void
}

/** Goes on with what a callback answered: at once, or when its promise has settled. */
export function whenSettled<T>(answer: MaybePromise<T>, go: (value: T) => Done): Done {
  return isPromise(answer) ? Promise.resolve(answer).then(go) : go(answer)
}

export const isPromise = <T>(answer: MaybePromise<T>): answer is PromiseLike<T> =>
  typeof answer === 'object' && answer !== null && typeof (answer as PromiseLike<T>).then === 'function'

/** Takes items one after the other, waiting only where one waits. */
export function inTurn<T>(items: Iterator<T>, take: (item: T) => Done): Done {
  for (let next = items.next(); !next.done; next = items.next()) {
    const waiting = take(next.value)
    if (waiting) return waiting.then(() => inTurn(items, take))
  }
}
