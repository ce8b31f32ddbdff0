/** What became of one test: of a client's own test program, or of a check of ours that runs a client. */
export type State = 'pass' | 'fail' | 'skip'

export interface Outcome {
  readonly name: string
  readonly state: State
  readonly seconds: number
  /** Why it was skipped, or what it said when it failed. */
  readonly reason: string
}

/** A part of the report card: one client (and one of its protocols), its tests by name. */
export interface Suite {
  readonly title: string
  readonly outcomes: readonly Outcome[]
  /** Why the whole suite could not run here; it has no outcomes then. */
  readonly missing?: string
}

export function count(outcomes: readonly Outcome[]): Record<State, number> {
  const counted = { pass: 0, fail: 0, skip: 0 }
  for (const { state } of outcomes) counted[state]++
  return counted
}
