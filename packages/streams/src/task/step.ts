import type { Done, StreamRecord } from '../record.ts'

/** A node that runs: takes a record, and is done when everything below it is. */
export type Step = (record: StreamRecord<any, any>) => Done

/** All of them, one after the other, waiting only where one waits. */
export function inOrder(steps: readonly Step[]): Step {
  if (steps.length === 1) return steps[0]!
  return record => from(steps, record, 0)
}

function from(steps: readonly Step[], record: StreamRecord<any, any>, first: number): Done {
  for (let i = first; i < steps.length; i++) {
    const waiting = steps[i]!(record)
    if (waiting) return waiting.then(() => from(steps, record, i + 1))
  }
}
