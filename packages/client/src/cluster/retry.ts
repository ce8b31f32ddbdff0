/**
 * Attempts until one succeeds, the failure cannot be cured by another, the deadline has passed or the signal aborts. The last
 * failure is what the caller sees.
 */
import { type Clock, type Random, sleep } from '@odradek/world'
import { type Backoff, backoffMs, defaultBackoff } from './backoff.ts'
import { type Recovery, recoveryOf } from './recovery.ts'

export interface RetryOptions {
  readonly clock: Clock
  readonly random: Random
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  readonly backoff?: Backoff | undefined
  /** Runs before each further attempt, after the pause: refresh what the failure says is stale. Its own failures are ignored. */
  readonly recover?: (recovery: Recovery, error: unknown) => Promise<unknown> | undefined
}

export async function retrying<T>(options: RetryOptions, attempt: (n: number) => Promise<T>): Promise<T> {
  const { clock, random, timeoutMs, signal, backoff = defaultBackoff, recover } = options
  const deadline = clock.monotonic() + timeoutMs
  for (let failures = 0; ; ) {
    signal?.throwIfAborted()
    try {
      return await attempt(failures)
    } catch (error) {
      const recovery = recoveryOf(error)
      if (signal?.aborted || recovery === 'give-up') throw error
      const pause = backoffMs(++failures, random, backoff)
      if (clock.monotonic() + pause >= deadline) throw error
      await sleep(clock, pause, signal)
      await recover?.(recovery, error)?.catch(ignored)
    }
  }
}

/** What `recover` could not do shows in the next attempt. */
function ignored(): void {}
