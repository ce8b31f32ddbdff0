/**
 * How time is cut into windows. Grace is how late a record may be and still count; it is always said, since what waits for windows to
 * close waits that much longer.
 */
import { UsageError } from '@odradek/client'
import { type Duration, millisecondsOf } from '../duration.ts'

/** Windows of one length that begin at multiples of `advanceMs` since the epoch. */
export interface AlignedWindows {
  readonly kind: 'aligned'
  readonly sizeMs: number
  readonly advanceMs: number
  readonly graceMs: number
}

/** One window, from a moment to the end of time. */
export interface UnlimitedWindow {
  readonly kind: 'unlimited'
  readonly startAt: number
  readonly graceMs: 0
}

/** Windows around records: two records are in one when they are at most `differenceMs` apart (KIP-450). */
export interface SlidingWindows {
  readonly kind: 'sliding'
  readonly differenceMs: number
  readonly graceMs: number
}

/** Windows that last as long as records of a key follow each other within `gapMs`. */
export interface SessionWindows {
  readonly kind: 'session'
  readonly gapMs: number
  readonly graceMs: number
}

export type TimeWindows = AlignedWindows | UnlimitedWindow | SlidingWindows

/** End of the unlimited window. */
export const endOfTime = Number.MAX_SAFE_INTEGER

/** One after the other: every record is in one. The start counts in, the end does not. */
export function tumbling({ size, grace }: { size: Duration; grace: Duration }): AlignedWindows {
  return hopping({ size, advance: size, grace })
}

/** A new one begins every `advance`: a record is in several. None begins before the epoch (streams facts 2.5). */
export function hopping(options: { size: Duration; advance: Duration; grace: Duration }): AlignedWindows {
  const sizeMs = atLeast(1, options.size, 'size')
  const advanceMs = atLeast(1, options.advance, 'advance')
  if (advanceMs > sizeMs)
    throw new UsageError(
      `\`advance\` is ${advanceMs} ms and \`size\` ${sizeMs} ms: records between two windows would be lost. Write an advance of at most the size.`,
    )
  return { kind: 'aligned', sizeMs, advanceMs, graceMs: millisecondsOf(options.grace, 'grace') }
}

/** For every record the window that ends with it, and the one that begins after it, as far as there are records. Both ends count in. */
export function sliding(options: { difference: Duration; grace: Duration }): SlidingWindows {
  return {
    kind: 'sliding',
    differenceMs: millisecondsOf(options.difference, 'difference'),
    graceMs: millisecondsOf(options.grace, 'grace'),
  }
}

/** A session ends when nothing came for `gap`; a late record may make one of two. Both ends count in. */
export function session(options: { gap: Duration; grace: Duration }): SessionWindows {
  return {
    kind: 'session',
    gapMs: atLeast(1, options.gap, 'gap'),
    graceMs: millisecondsOf(options.grace, 'grace'),
  }
}

/** Everything since `startAt`, milliseconds since the epoch, in one window that never closes; what is older is passed over. */
export function unlimited({ startAt = 0 }: { startAt?: number } = {}): UnlimitedWindow {
  return { kind: 'unlimited', startAt: millisecondsOf(startAt, 'startAt'), graceMs: 0 }
}

function atLeast(least: number, duration: Duration, option: string): number {
  const ms = millisecondsOf(duration, option)
  if (ms < least) throw new UsageError(`\`${option}\` is ${ms} ms: write at least ${least} ms.`)
  return ms
}
