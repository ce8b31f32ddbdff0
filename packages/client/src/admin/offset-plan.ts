/** Where a reset would move a group's offsets, and how far behind a group is. Pure. */
import type { PartitionItem } from './by-leader.ts'

/** `shift`: so many records back (negative) or ahead. */
export type ResetTarget =
  | 'earliest'
  | 'latest'
  | { readonly offset: number }
  | { readonly timestamp: number }
  | { readonly shift: number }

export interface OffsetMove extends PartitionItem {
  /** Null: nothing was committed. */
  readonly from: number | null
  readonly to: number
}

export interface Span extends PartitionItem {
  readonly earliest: number
  readonly latest: number
  /** First offset at or after the wanted time; -1: there is none. */
  readonly atTime: number
  readonly committed: number | null
}

/** Never beyond what the partition holds: a consumer would be sent to one of its ends anyway. */
export function planMove(span: Span, to: ResetTarget): OffsetMove {
  const { topic, partition, earliest, latest, committed } = span
  const wanted = wantedOffset(span, to)
  return { topic, partition, from: committed, to: Math.min(Math.max(wanted, earliest), latest) }
}

function wantedOffset({ earliest, latest, atTime, committed }: Span, to: ResetTarget): number {
  if (to === 'earliest') return earliest
  if (to === 'latest') return latest
  if ('offset' in to) return to.offset
  if ('shift' in to) return (committed ?? earliest) + to.shift
  return atTime < 0 ? latest : atTime
}
