/** A signal that aborts after a time, or when another one does. Dispose of it, or its timer keeps the process alive. */
import { ConnectionError, UsageError } from '@odradek/protocol'
import type { Clock, Timer } from '@odradek/world'

export class Deadline implements Disposable {
  readonly signal: AbortSignal
  readonly #over = new AbortController()
  readonly #timer: Timer

  /** `what` could not be done within `ms`: the reason of the signal says so. */
  constructor(clock: Clock, ms: number, what: string, sooner?: AbortSignal) {
    this.signal = sooner ? AbortSignal.any([this.#over.signal, sooner]) : this.#over.signal
    this.#timer = clock.timer(ms, () => this.abort(`${what} within ${ms} ms`), { keepAlive: true })
  }

  /** Is over now, for a reason of its own. */
  abort(message: string, cause?: unknown): void {
    this.#over.abort(new ConnectionError(message, { code: 'TIMEOUT', cause }))
  }

  /** Whoever still waits waits in vain. */
  [Symbol.dispose](): void {
    this.#timer.cancel()
    this.#over.abort(new UsageError('nobody waits for this any more'))
  }
}
