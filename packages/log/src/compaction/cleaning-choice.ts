/**
 * Whether the log of a partition is worth cleaning, and up to where it may be. Decisions only.
 *
 *     cleaned          dirty                  too young      active
 *     [───────────────][─────────────────────][─────────────][──────
 *                      ▲ dirtyFrom            ▲ dirtyEnd
 *
 * A log is cleaned when enough of it is dirty (min.cleanable.dirty.ratio), or when its oldest dirty record has waited for long enough
 * (max.compaction.lag.ms). The dirtiest comes first; those that have waited too long come before it.
 */
import type { LogConfig } from '../engine.ts'

export interface LogView {
  /** The last one takes appends. */
  readonly segments: readonly SegmentView[]
  readonly logStartOffset: number
  readonly lastStableOffset: number
  readonly cleanedTo: number
}

interface SegmentView {
  readonly baseOffset: number
  readonly nextOffset: number
  readonly size: number
  readonly firstTimestamp: number
  readonly maxTimestamp: number
}

export type CleaningLimits = Pick<
  LogConfig,
  'cleanupPolicy' | 'minCleanableDirtyRatio' | 'minCompactionLagMs' | 'maxCompactionLagMs'
>

export interface CleaningChoice {
  readonly dirtyFrom: number
  readonly dirtyEnd: number
  /** Of the bytes that would be gone over. */
  readonly dirtyRatio: number
  /** The oldest dirty record is older than max.compaction.lag.ms. */
  readonly isOverdue: boolean
}

/** Undefined when there is nothing to do. `now`: wall time that is to be trusted. */
export function cleaningChoice(log: LogView, limits: CleaningLimits, now: number): CleaningChoice | undefined {
  if (!limits.cleanupPolicy.includes('compact')) return undefined
  const closed = log.segments.slice(0, -1)
  const active = log.segments.at(-1)
  if (active === undefined) return undefined
  const isTooYoung = ({ maxTimestamp }: SegmentView) => now - maxTimestamp < limits.minCompactionLagMs
  const young = limits.minCompactionLagMs > 0 ? closed.find(isTooYoung) : undefined
  const dirtyFrom = Math.max(log.cleanedTo, log.logStartOffset, log.segments[0]!.baseOffset)
  const dirtyEnd = Math.min(log.lastStableOffset, young?.baseOffset ?? active.baseOffset)
  if (dirtyEnd <= dirtyFrom) return undefined
  const { clean, dirty, oldest } = measure(closed, dirtyFrom, dirtyEnd)
  if (dirty === 0) return undefined
  const dirtyRatio = dirty / (clean + dirty)
  const isOverdue = oldest >= 0 && now - oldest > limits.maxCompactionLagMs
  if (!isOverdue && dirtyRatio <= limits.minCleanableDirtyRatio) return undefined
  return { dirtyFrom, dirtyEnd, dirtyRatio, isOverdue }
}

function measure(segments: readonly SegmentView[], from: number, end: number) {
  const sum = { clean: 0, dirty: 0, oldest: -1 }
  for (const { baseOffset, nextOffset, size, firstTimestamp } of segments) {
    if (baseOffset >= end) break
    if (nextOffset <= from) sum.clean += size
    else {
      sum.dirty += size
      if (sum.oldest < 0) sum.oldest = firstTimestamp
    }
  }
  return sum
}

/** What to clean first. */
export function mostUrgent<T>(candidates: readonly { choice: CleaningChoice; of: T }[]): T | undefined {
  const best = candidates.reduce<{ choice: CleaningChoice; of: T } | undefined>((first, next) => {
    if (first === undefined) return next
    if (first.choice.isOverdue !== next.choice.isOverdue) return next.choice.isOverdue ? next : first
    return next.choice.dirtyRatio > first.choice.dirtyRatio ? next : first
  }, undefined)
  return best?.of
}
