/**
 * Time as a program may see it: a wall clock that can jump, a monotonic one that cannot, and timers that follow the monotonic one.
 * Sessions, long polls and timeouts use `monotonic` and timers; only timestamps in records and retention look at `now`.
 */
export interface Clock {
  /** Wall time, whole milliseconds since the Unix epoch. May jump either way. */
  now(): number
  /** Milliseconds since an arbitrary start, with a fraction. Never goes back. */
  monotonic(): number
  /** Calls `fire` once, `ms` from now (≥ 0), never before `monotonic` has advanced by as much. A timer keeps the process alive only when `keepAlive` is set. */
  timer(ms: number, fire: () => void, options?: { keepAlive?: boolean }): Timer
  /** Calls `run` after the I/O of this turn: work of one turn is gathered, then done at once. */
  soon(run: () => void): void
}

export interface Timer {
  /** After this returns the timer will not fire. Harmless when it has fired. */
  cancel(): void
}

/** Resolves after `ms`; rejects with the signal's reason when aborted first. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const timer = clock.timer(
      ms,
      () => {
        signal?.removeEventListener('abort', abort)
        resolve()
      },
      { keepAlive: true },
    )
    const abort = () => {
      timer.cancel()
      reject(signal!.reason)
    }
    signal?.addEventListener('abort', abort, { once: true })
  })
}
