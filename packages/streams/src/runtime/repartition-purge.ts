import type { Admin, OffsetToCommit } from '@odradek/client'
import type { Clock } from '@odradek/world'

/**
 * Repartition topics are kept for ever by their configuration; what has been processed and committed is deleted from them now and
 * then (streams facts 2.48). A purge that fails is made up for by the next.
 */
export class RepartitionPurge {
  readonly #clock: Clock
  readonly #everyMs: number
  readonly #admin: Admin
  readonly #isRepartition: (topic: string) => boolean
  readonly #done = new Map<string, { topic: string; partition: number; before: number }>()
  #last: number
  #running: Promise<void> | undefined

  constructor(options: { clock: Clock; admin: Admin; everyMs: number; isRepartition: (topic: string) => boolean }) {
    this.#clock = options.clock
    this.#admin = options.admin
    this.#everyMs = options.everyMs
    this.#isRepartition = options.isRepartition
    this.#last = options.clock.monotonic()
  }

  /** Takes what was committed; deletes behind it when it is time. Waits for nothing. */
  committed(offsets: readonly OffsetToCommit[]): void {
    for (const { topic, partition, offset } of offsets)
      if (this.#isRepartition(topic)) this.#done.set(`${topic}-${partition}`, { topic, partition, before: offset })
    const now = this.#clock.monotonic()
    if (this.#running || this.#done.size === 0 || now - this.#last < this.#everyMs) return
    this.#last = now
    this.#running = this.#purge()
  }

  async close(): Promise<void> {
    await this.#running
  }

  async #purge(): Promise<void> {
    const targets = [...this.#done.values()]
    this.#done.clear()
    await this.#admin.topics.deleteRecords(targets).catch(() => {})
    this.#running = undefined
  }
}
