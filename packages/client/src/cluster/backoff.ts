/** How long to wait before the next attempt: doubling from `initialMs` to `maxMs`, ±20 % by chance so that clients do not march in step. */
import type { Random } from '@odradek/world'

export interface Backoff {
  readonly initialMs: number
  readonly maxMs: number
}

export const defaultBackoff: Backoff = { initialMs: 100, maxMs: 1_000 }

/** `attempt` counts failures so far, from 1. */
export function backoffMs(attempt: number, random: Random, { initialMs, maxMs }: Backoff = defaultBackoff): number {
  const base = Math.min(maxMs, initialMs * 2 ** Math.min(attempt - 1, 30))
  return base * (0.8 + 0.4 * random.next())
}
