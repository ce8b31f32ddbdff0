/**
 * Where everything under the engine reports what went wrong. Transient failures are published and borne for a while; what is fatal, or
 * has lasted too long, ends the engine. `patience.ts` decides, this tells.
 */
import { KafkaError } from '@odradek/protocol'
import type { Clock } from '@odradek/world'
import { troubleChannel } from './diagnostics.ts'
import { Patience } from './patience.ts'

export class Trouble {
  readonly #clock: Clock
  readonly #group: string | undefined
  readonly #patience: Patience
  readonly #onFatal: (error: Error) => void
  #fatal: Error | undefined

  constructor(options: { clock: Clock; group: string | undefined; limitMs: number; onFatal: (error: Error) => void }) {
    this.#clock = options.clock
    this.#group = options.group
    this.#patience = new Patience(options.limitMs)
    this.#onFatal = options.onFatal
  }

  /** What ended the engine. */
  get fatal(): Error | undefined {
    return this.#fatal
  }

  /** A failure that another try may cure, as it says itself or as the caller has decided; anything else ends the engine. */
  met(source: string, error: unknown, isTransient: boolean = error instanceof KafkaError && error.retriable): void {
    if (isTransient && troubleChannel.hasSubscribers) troubleChannel.publish({ group: this.#group, source, error })
    if (!isTransient || this.#patience.failed(source, this.#clock.monotonic())) this.fail(error)
  }

  passed(source: string): void {
    this.#patience.succeeded(source)
  }

  fail(error: unknown): void {
    if (this.#fatal) return
    this.#fatal = error instanceof Error ? error : new Error(String(error))
    this.#onFatal(this.#fatal)
  }
}
