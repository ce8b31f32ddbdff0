import { type Clock, sleep } from '@odradek/world'
import { StreamsError } from '../streams-error.ts'
import type { Collector, OutgoingRecord } from '../task/collector.ts'
import type { Outlet } from './producer-collector.ts'
import { untilAborted } from './until-aborted.ts'

export interface GlobalDeadLettersOptions {
  /** Outside of any transaction: what fills global stores belongs to none. */
  readonly makeProducer: () => Outlet
  readonly clock: Clock
  readonly abandoned: AbortSignal
}

/** For the last of them to be written when an instance ends. */
const farewellMs = 5_000

/**
 * Dead letters of records that global stores are filled from, through a producer that is made with the first of them. Every instance
 * reads these topics whole, so each writes its own letters, and again after a restart what it reads again. One that cannot be written
 * shows at the next `check`.
 */
export class GlobalDeadLetters implements Collector {
  readonly #options: GlobalDeadLettersOptions
  #producer: Outlet | undefined
  #failure: StreamsError | undefined

  constructor(options: GlobalDeadLettersOptions) {
    this.#options = options
  }

  send(letter: OutgoingRecord): void {
    const failed = (cause: Error) => void (this.#failure ??= unwritten(letter, cause))
    this.#producer ??= this.#options.makeProducer()
    try {
      this.#producer.enqueue(letter.topic, letter, failed)
    } catch (error) {
      failed(error as Error)
    }
  }

  partitionsOf(): number {
    return 0
  }

  /** Throws when one could not be written. */
  check(): void {
    if (this.#failure) throw this.#failure
  }

  /** Those on their way are waited for, a little. Throws when one could not be written. */
  async settle(): Promise<void> {
    const { clock, abandoned } = this.#options
    if (!this.#producer) return
    const inTime = new AbortController()
    const late = sleep(clock, farewellMs, inTime.signal)
    await untilAborted(Promise.race([this.#producer.flush(), late]), abandoned).catch(() => {}) // told by `check`
    inTime.abort()
    await late.catch(() => {})
    this.check()
  }

  /** What is still on its way is given up. */
  async close(): Promise<void> {
    await this.#producer?.close({ signal: AbortSignal.abort() }).catch(() => {})
  }
}

const unwritten = ({ topic }: OutgoingRecord, cause: Error): StreamsError =>
  new StreamsError('PRODUCTION', `A dead letter of a global store could not be written to ${topic}: ${cause.message}`, {
    topic,
    cause,
  })
