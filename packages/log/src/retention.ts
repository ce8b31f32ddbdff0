/**
 * Which segments of a log may go: whole ones, from the oldest on, and only what consumers could have seen.
 *
 *     by start   everything in it is before the log start offset (records were deleted)
 *     by time    its newest record is older than retention.ms
 *     by size    the log without it is still at least retention.bytes
 */
export interface RetentionView {
  readonly segments: readonly { readonly nextOffset: number; readonly size: number; readonly maxTimestamp: number }[]
  readonly highWatermark: number
  readonly logStartOffset: number
}

export interface RetentionLimits {
  /** -1: keep for ever. */
  retentionMs: number
  /** -1: keep everything. */
  retentionBytes: number
}

export interface Expired {
  /** So many of the first segments. */
  count: number
  reason: 'start' | 'time' | 'size'
}

export function expiredSegments(log: RetentionView, limits: RetentionLimits, now: number): Expired | undefined {
  const byStart = count(log, segment => segment.nextOffset <= log.logStartOffset)
  const byTime =
    limits.retentionMs < 0
      ? 0
      : count(log, segment => segment.maxTimestamp >= 0 && now - segment.maxTimestamp > limits.retentionMs)
  let excess =
    limits.retentionBytes < 0
      ? -1
      : log.segments.reduce((sum, segment) => sum + segment.size, 0) - limits.retentionBytes
  const bySize = count(log, segment => (excess -= segment.size) >= 0)
  const most = Math.max(byStart, byTime, bySize)
  if (most === 0) return undefined
  return { count: most, reason: most === byTime ? 'time' : most === bySize ? 'size' : 'start' }
}

/** How many of the first segments are durable, hold something, and pass. */
function count(log: RetentionView, passes: (segment: RetentionView['segments'][number]) => boolean): number {
  const end = log.segments.findIndex(
    segment => segment.size === 0 || segment.nextOffset > log.highWatermark || !passes(segment),
  )
  return end < 0 ? log.segments.length : end
}
