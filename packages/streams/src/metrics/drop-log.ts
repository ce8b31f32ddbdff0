import { handledReasons } from '../handlers/error-desk.ts'
import type { StreamsLogger } from '../handlers/handlers.ts'
import type { RecordMetadata } from '../record.ts'

/** A reason is told of so often at most; what comes between is counted. */
const everyMs = 60_000

/** Tells why records are passed over: the first of a kind at once, then how many there were, now and then. */
export class DropLog {
  readonly #logger: StreamsLogger
  readonly #now: () => number
  readonly #reasons = new Map<string, { toldAt: number; since: number }>()

  constructor(logger: StreamsLogger, now: () => number) {
    this.#logger = logger
    this.#now = now
  }

  dropped(taskId: string, node: string, reason: string, place: RecordMetadata | undefined): void {
    if (handledReasons.has(reason)) return
    const key = `${node} ${reason}`
    const known = this.#reasons.get(key)
    const now = this.#now()
    if (known) {
      known.since++
      if (now - known.toldAt < everyMs) return
    }
    this.#logger.warn({ node, taskId, reason, ...place, records: known?.since ?? 1 }, 'records are passed over')
    this.#reasons.set(key, { toldAt: now, since: 0 })
  }
}
