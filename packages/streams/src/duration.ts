import { UsageError } from '@odradek/client'

/** Milliseconds, or a `Temporal.Duration` (anything that can tell its total). */
export type Duration = number | { total(unit: 'milliseconds'): number }

/** Whole milliseconds, at least 0. Throws UsageError that names the option. */
export function millisecondsOf(duration: Duration, option: string): number {
  const ms = typeof duration === 'number' ? duration : duration.total('milliseconds')
  if (!Number.isSafeInteger(ms) || ms < 0)
    throw new UsageError(`\`${option}\` is ${ms}: write whole milliseconds, 0 or more, or a Temporal.Duration`)
  return ms
}
