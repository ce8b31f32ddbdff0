import { UsageError } from '@odradek/client'

/** Milliseconds, or a `Temporal.Duration` (anything that can tell its total). */
export type Duration = number | { total(unit: 'milliseconds'): number }

/** Whole milliseconds, at least 0. Throws UsageError that names the option. */
export function millisecondsOf(duration: Duration, option: string): number {
  const ms = isTotalled(duration) ? duration.total('milliseconds') : duration
  if (!Number.isSafeInteger(ms) || ms < 0)
    throw new UsageError(`\`${option}\` is ${String(ms)}: write whole milliseconds, 0 or more, or a Temporal.Duration`)
  return ms
}

const isTotalled = (duration: Duration): duration is Exclude<Duration, number> =>
  typeof (duration as Partial<Exclude<Duration, number>> | undefined)?.total === 'function'
