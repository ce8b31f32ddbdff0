/**
 * What is looked at from time to time: transactional ids that nobody uses, which are forgotten, and transactions that hang, which are
 * named: open in a partition, and unknown to the coordinator, so that nobody ends them and readers of committed records stand before
 * them. What is under way may look so for a moment; what looks so twice, hangs.
 */
import { ClockGuard } from '@odradek/log'
import type { Clock, Timer } from '@odradek/world'
import type { Logger } from '../logger.ts'
import { type OpenTransaction, sortedOut } from './recovery.ts'
import { isEnding, type Transaction } from './transaction.ts'
import type { TransactionSettings } from './transaction-settings.ts'

export interface UpkeepOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly settings: TransactionSettings
  readonly all: () => Iterable<Transaction>
  readonly survey: () => Promise<{ readonly open: readonly OpenTransaction[] }>
  readonly forget: (transaction: Transaction) => void
}

/** Time between two looks for transactions that hang. */
const hangingCheckMs = 60_000

export class Upkeep {
  readonly #o: UpkeepOptions
  /** Nothing expires in the hour after a jump of the wall clock, nor after a start: nobody knows what it was before. */
  readonly #guard: ClockGuard
  #timers: Timer[] = []
  #suspects = new Set<string>()
  readonly #named = new Set<string>()
  #isClosed = false

  constructor(options: UpkeepOptions) {
    this.#o = options
    this.#guard = new ClockGuard(0, options.clock.now(), options.clock.monotonic())
  }

  start(hangingAtStart: readonly OpenTransaction[]): void {
    for (const each of hangingAtStart) this.#name(each)
    this.#every(
      () => hangingCheckMs,
      () => this.#lookForHanging(),
    )
    this.#every(
      () => this.#o.settings.idExpirationCheckMs,
      () => this.#forgetExpired(),
    )
  }

  close(): void {
    this.#isClosed = true
    for (const timer of this.#timers) timer.cancel()
  }

  #every(ms: () => number, look: () => void | Promise<void>): void {
    const slot = this.#timers.length
    const again = () => {
      if (!this.#isClosed)
        this.#timers[slot] = this.#o.clock.timer(ms(), () => void Promise.resolve(look()).finally(again))
    }
    again()
  }

  async #lookForHanging(): Promise<void> {
    const { open } = await this.#o.survey()
    const { hanging } = sortedOut(this.#o.all(), open)
    const before = this.#suspects
    this.#suspects = new Set(hanging.map(nameOf))
    for (const each of hanging) if (before.has(nameOf(each))) this.#name(each)
  }

  #name(hanging: OpenTransaction): void {
    if (this.#named.has(nameOf(hanging))) return
    this.#named.add(nameOf(hanging))
    const { topic, index, producerId, epoch, startOffset } = hanging
    this.#o.logger.warn(
      { partition: `${topic}-${index}`, producerId: String(producerId), epoch, startOffset },
      'a transaction hangs: it is open in a partition, and its coordinator does not know it; readers of committed records wait before it. `odradek tx abort --hanging` ends it',
    )
  }

  #forgetExpired(): void {
    const { clock, settings, all, forget } = this.#o
    if (!this.#guard.look(clock.now(), clock.monotonic())) return
    const before = clock.now() - settings.idExpirationMs
    for (const transaction of [...all()])
      if (isIdle(transaction) && transaction.updatedAt <= before) forget(transaction)
  }
}

const isIdle = (transaction: Transaction): boolean => transaction.state !== 'Ongoing' && !isEnding(transaction)

const nameOf = ({ topic, index, producerId, epoch, startOffset }: OpenTransaction): string =>
  `${topic}-${index} ${producerId}/${epoch} ${startOffset}`
