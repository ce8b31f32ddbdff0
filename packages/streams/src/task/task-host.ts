import type { Cancellable, Punctuation } from '../processor.ts'
import type { Done, RecordMetadata } from '../record.ts'

/** What the graph of a task asks of whoever drives it: a running instance, or the test driver. */
export interface TaskHost {
  /** Largest timestamp the task has seen, -1 before the first record. */
  readonly streamTime: number
  readonly systemTime: number
  schedule(punctuation: Punctuation, punctuate: (timestamp: number) => Done): Cancellable
  requestCommit(): void
  /** Of what waits for time to pass (windows that close, joins without a match): default 1000. */
  readonly emitIntervalMs?: number
  /** A record is passed over. */
  dropped(node: string, reason: string, place: RecordMetadata | undefined): void
  /** How far operators have come, by name: committed with the offsets, and given back after a restart (streams facts 2.30). */
  readonly progress: Map<string, number>
}
