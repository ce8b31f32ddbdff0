import { UsageError } from '@odradek/client'
import { type Duration, millisecondsOf } from '../duration.ts'

/** How far apart in time two records may be to be joined, and how late either may come. */
export interface JoinWindow {
  /** The other side's record may be this much older than ours; with both 0, they must be of one time. */
  readonly beforeMs: number
  /** … and this much younger. */
  readonly afterMs: number
  readonly graceMs: number
}

/**
 * For stream-stream joins, seen from the left: a record of the right is joined when it is at most `before` older and at most `after`
 * younger. `within` sets both.
 *
 *     joinWindow({ within: 60_000, grace: 5_000 })
 */
export function joinWindow(
  window: { grace: Duration } & ({ within: Duration } | { before: Duration; after: Duration }),
): JoinWindow {
  const { before, after } = 'within' in window ? { before: window.within, after: window.within } : window
  if (window.grace === undefined)
    throw new UsageError('`grace` is missing: say how late a record may come, 0 for not at all')
  return {
    beforeMs: millisecondsOf(before, 'before'),
    afterMs: millisecondsOf(after, 'after'),
    graceMs: millisecondsOf(window.grace, 'grace'),
  }
}
