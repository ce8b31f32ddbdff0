/** Waiting for something no longer than a signal allows; the work itself goes on. */

/** Stops waiting for `work` when `signal` aborts; others may share the work. */
export function abandonable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work
  return new Promise<T>((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    const settled = () => signal.removeEventListener('abort', abort)
    work.then(
      value => {
        settled()
        resolve(value)
      },
      error => {
        settled()
        reject(error)
      },
    )
  })
}

/** The same for whoever goes on then, as if it were done. Failures of the work are still thrown. */
export function untilAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return work
  work.catch(() => {}) // nobody may be waiting any more
  return abandonable(work, signal).catch(error => {
    if (!signal.aborted || error !== signal.reason) throw error
  })
}

/** For what several callers may wish to hasten, each with a signal of his own: the first that aborts, aborts it. */
export function abortWith(controller: AbortController, signal: AbortSignal | undefined): void {
  if (signal?.aborted) controller.abort(signal.reason)
  else signal?.addEventListener('abort', () => controller.abort(signal.reason), { once: true })
}
