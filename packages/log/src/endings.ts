/** What is ended one after the other: what cannot be ended in order is reported, and the rest ends all the same. */
import type { LogLogger } from './log-services.ts'

export class Endings {
  readonly #logger: LogLogger
  /** Everything so far ended in order. */
  inOrder = true

  constructor(logger: LogLogger) {
    this.#logger = logger
  }

  async end(what: string, ending: Promise<unknown> | undefined): Promise<void> {
    try {
      await ending
    } catch (error) {
      this.inOrder = false
      const message = 'could not be closed in order; the next start will look at what is there'
      this.#logger.error({ what, error: (error as Error).message }, message)
    }
  }
}
