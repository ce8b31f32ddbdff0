import { ProtocolError } from '@odradek/client'
import { type Clock, sleep } from '@odradek/world'
import type { StreamsLogger } from '../handlers/handlers.ts'
import { undelivered } from './undelivered.ts'
import { untilAborted } from './until-aborted.ts'

export interface MissingOutputsOptions {
  clock: Clock
  logger: StreamsLogger
  /** Rejects when the topic does not come to be in this time, made by the brokers or by somebody else. */
  lookUp(topic: string, timeoutMs: number, signal: AbortSignal): Promise<unknown>
  /** As far as it is known. */
  isThere(topic: string): boolean
  writersOf(topic: string): string
  /** How long records wait for their topic; null: the production handler is asked about them. */
  patienceMs: number | null
  /** The instance is to end. */
  stopping: AbortSignal
}

/** Until the log tells of a topic that is not there. */
const tellAfterMs = 1_000

/**
 * Topics that are written and are not there, be they named by a sink or chosen for a record. As in Kafka Streams that is no reason not to start: brokers may make them with the first record, and
 * no record may ever come. From the first record on the log says what is missing; and who closes the instance does not wait for what
 * cannot be written.
 */
export class MissingOutputs {
  readonly #options: MissingOutputsOptions
  readonly #seen = new Set<string>()
  readonly #givenUp = new AbortController()
  readonly #closed = new AbortController()

  constructor(options: MissingOutputsOptions) {
    this.#options = options
  }

  /** Aborts when something waits in vain; the reason is a StreamsError that names node and topic. */
  get signal(): AbortSignal {
    return this.#givenUp.signal
  }

  /** A record is on its way there. */
  written(topic: string): void {
    if (this.#seen.has(topic)) return
    this.#seen.add(topic)
    if (!this.#options.isThere(topic)) void this.#watch(topic)
  }

  close(): void {
    this.#closed.abort()
  }

  async #watch(topic: string): Promise<void> {
    const { clock, logger, lookUp, isThere, writersOf, patienceMs, stopping } = this.#options
    const closed = this.#closed.signal
    const refusal = await lookUp(topic, tellAfterMs, closed).then(
      () => undefined,
      error => error,
    )
    if (!(refusal instanceof ProtocolError) || refusal.code !== 'UNKNOWN_TOPIC_OR_PARTITION' || closed.aborted) return
    logger.warn(
      { topic, node: writersOf(topic) },
      `A topic that is written is not there, and the brokers do not make it. What is for it waits; create it: odradek topic create ${topic}`,
    )
    const end = AbortSignal.any([stopping, closed])
    const inVain = patienceMs === null ? new Promise<void>(() => {}) : sleep(clock, patienceMs, end)
    await untilAborted(inVain, end).catch(() => {})
    if (!closed.aborted && !isThere(topic)) this.#givenUp.abort(undelivered(refusal, writersOf))
  }
}
