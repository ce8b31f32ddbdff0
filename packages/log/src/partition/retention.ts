/**
 * Which segments of a log may go: whole ones, from the oldest on, and only what consumers could have seen.
 *
 *     by start   everything in it is before the log start offset (records were deleted)
 *     by time    its newest record is older than retention.ms
 *     by size    the log without it is still at least retention.bytes
 */
import type { LogConfig } from '../engine.ts'

export interface RetentionView {
  readonly segments: readonly { readonly nextOffset: number; readonly size: number; readonly maxTimestamp: number }[]
  readonly highWatermark: number
  readonly logStartOffset: number
}

export type RetentionLimits = Pick<LogConfig, 'cleanupPolicy' | 'retentionMs' | 'retentionBytes'>

export interface Expired {
  /** So many of the first segments. */
  count: number
  reason: 'start' | 'time' | 'size'
}

/** `now` is the wall time; -1 while it is not to be trusted. */
export function expiredSegments(log: RetentionView, limits: RetentionLimits, now: number): Expired | undefined {
  const deletes = limits.cleanupPolicy.includes('delete')
  const retentionMs = deletes && now >= 0 ? limits.retentionMs : -1
  const retentionBytes = deletes ? limits.retentionBytes : -1
  const byStart = count(log, segment => segment.nextOffset <= log.logStartOffset)
  const isTooOld = (newest: number) => retentionMs >= 0 && newest >= 0 && now - newest > retentionMs
  const byTime = count(log, (_, i) => isTooOld(newestFrom(log, i)))
  let excess = retentionBytes < 0 ? -1 : log.segments.reduce((sum, { size }) => sum + size, 0) - retentionBytes
  const bySize = count(log, segment => (excess -= segment.size) >= 0)
  const most = Math.max(byStart, byTime, bySize)
  if (most === 0) return undefined
  return { count: most, reason: most === byTime ? 'time' : most === bySize ? 'size' : 'start' }
}

/** How many of the first segments are durable and pass. One that compaction has emptied goes with those after it. */
function count(log: RetentionView, passes: (segment: RetentionView['segments'][number], i: number) => boolean): number {
  let end = 0
  for (const [i, segment] of log.segments.entries()) {
    if (segment.nextOffset > log.highWatermark || (segment.size > 0 && !passes(segment, i))) break
    if (segment.size > 0) end = i + 1
  }
  return end
}

/** Where nothing tells the time (every record is damaged, or has none), the next segment that knows it does. */
function newestFrom({ segments }: RetentionView, i: number): number {
  let at = i
  while (at < segments.length - 1 && segments[at]!.maxTimestamp < 0) at++
  return segments[at]!.maxTimestamp
}
