import type { OffsetRange } from './record-run.ts'

/** What a member may say became of a record. A gap is an offset without a record, which the member alone can know. */
const outcomes = ['gap', 'accept', 'release', 'reject', 'renew'] as const
export type Outcome = (typeof outcomes)[number]

export interface Acknowledged extends OffsetRange {
  readonly outcome: Outcome
}

/** As requests have it: one type for the whole batch, or one for each of its offsets. */
export interface AcknowledgementBatch {
  readonly firstOffset: number
  readonly lastOffset: number
  readonly acknowledgeTypes: readonly number[]
}

/**
 * The ranges of the batches in ascending order, neighbours with one outcome joined; or, in one sentence, what is wrong with them. Ranges may
 * overlap: what is said of a record first leaves it in no state for the second.
 */
export function acknowledgements(
  batches: readonly AcknowledgementBatch[],
  { isRenewAck }: { isRenewAck: boolean },
): Acknowledged[] | string {
  const ranges: { first: number; last: number; outcome: Outcome }[] = []
  let isAscending = true
  const add = (first: number, last: number, type: number): boolean => {
    const outcome = outcomes[type]
    if (outcome === undefined || (outcome === 'renew' && !isRenewAck)) return false
    const previous = ranges.at(-1)
    if (previous && first <= previous.last) isAscending = false
    if (previous?.outcome === outcome && previous.last + 1 === first) previous.last = last
    else ranges.push({ first, last, outcome })
    return true
  }
  for (const { firstOffset: first, lastOffset: last, acknowledgeTypes: types } of batches) {
    if (first < 0 || last < first) return 'An acknowledgement batch ends before it begins.'
    const [only] = types
    if (only === undefined) return 'An acknowledgement batch says nothing of its records.'
    if (types.length === 1) {
      if (!add(first, last, only)) return unknownType(only)
      continue
    }
    if (types.length !== last - first + 1) return 'An acknowledgement batch has more or fewer types than offsets.'
    for (let i = 0; i < types.length; i++) if (!add(first + i, first + i, types[i]!)) return unknownType(types[i]!)
  }
  return isAscending ? ranges : ranges.sort((a, b) => a.first - b.first)
}

const unknownType = (type: number): string => `${type} is no type of acknowledgement here.`
