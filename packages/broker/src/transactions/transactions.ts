/**
 * The coordinator of all transactions of this process. It asks the machine (initialising.ts, joining.ts, ending.ts) what is to be done,
 * and does it; it decides nothing itself.
 *
 *     request ─▶ decision ─┬─▶ refused, or answered: nothing changes
 *                          └─▶ a record for __transaction_state ─ durable ─▶ answered
 *                                   └─ a Prepare state ─▶ markers to every partition ─ durable ─▶ a Complete state
 *
 * Requests about one transactional id take turns. Those that come while its transaction ends wait a little for the end, where Kafka
 * has the client come again. What was decided is ended after a crash, too.
 */
import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { Clock } from '@odradek/world'
import type { CoordinatorLog } from '../coordinator-log/coordinator-log.ts'
import type { Marker } from '../coordinator-log/record-kind.ts'
import type { Logger } from '../logger.ts'
import { DeadlineList } from './deadline-list.ts'
import type { Decision } from './decision.ts'
import { completed, type EndRequest, end, fenced } from './ending.ts'
import { type InitRequest, initialise } from './initialising.ts'
import { type JoinRequest, join, membership } from './joining.ts'
import type { MarkerWriter } from './marker-writer.ts'
import { isEnding, noEpoch, noProducerId, outcomeOf, type ProducerIdentity, type Transaction } from './transaction.ts'
import type { TransactionImage } from './transaction-image.ts'
import type { NamedPartition } from './transaction-partitions.ts'
import type { TransactionRecord } from './transaction-records.ts'
import type { TransactionSettings } from './transaction-settings.ts'
import { TurnLocks } from './turn-locks.ts'

export interface TransactionsOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly settings: TransactionSettings
  /** Fences the markers of coordinators before this one. */
  readonly coordinatorEpoch: number
  readonly freshProducerId: () => Promise<bigint>
  readonly markers: MarkerWriter
  /** Makes the log; its images are to tell what becomes durable. */
  readonly log: (applied: (record: TransactionRecord) => void) => CoordinatorLog<TransactionRecord, TransactionImage>
}

export interface Reply extends ProducerIdentity {
  readonly error: ErrorCode
}

type Decide = (known: Transaction | undefined, freshId: bigint | undefined, now: number) => Decision

/** How long a request waits for the end of the transaction before; as long as Kafka's broker retries for its clients. */
const patienceMs = 100

const { NONE, CONCURRENT_TRANSACTIONS } = ErrorCodes
const refused = (error: ErrorCode): Reply => ({ error, producerId: noProducerId, epoch: noEpoch })

export class Transactions {
  readonly #o: TransactionsOptions
  readonly #log: CoordinatorLog<TransactionRecord, TransactionImage>
  readonly #turns = new TurnLocks()
  readonly #deadlines: DeadlineList
  /** The ends under way, by transactional id. */
  readonly #ends = new Map<string, Promise<void>>()
  /** Whose decision is being written: nothing may join any more. */
  readonly #deciding = new Set<string>()
  #isLoaded = false
  #isClosed = false

  constructor(options: TransactionsOptions) {
    this.#o = options
    this.#log = options.log(record => this.#applied(record))
    const { clock, settings } = options
    this.#deadlines = new DeadlineList(
      clock,
      () => settings.timeoutCheckMs,
      id => void this.#timedOut(id),
    )
  }

  /** Reads what was stored; what had its decision is ended, and what is open has its time. */
  async load(): Promise<void> {
    await this.#log.load()
    this.#isLoaded = true
    for (const transaction of this.all()) this.#follow(transaction)
  }

  close(): void {
    this.#isClosed = true
    this.#deadlines.close()
    this.#o.markers.close()
  }

  /** Why nothing can be said about a transactional id now; NONE when something can. */
  obstacle(id: string): ErrorCode {
    if (!this.#isLoaded) return ErrorCodes.COORDINATOR_LOAD_IN_PROGRESS
    return this.#log.isReadable(id) ? NONE : ErrorCodes.COORDINATOR_NOT_AVAILABLE
  }

  get(id: string): Transaction | undefined {
    return this.#log.image(id).transactions.get(id)
  }

  *all(): Iterable<Transaction> {
    for (const { transactions } of this.#log.images()) yield* transactions.values()
  }

  initialise(request: InitRequest): Promise<Reply> {
    if (request.timeoutMs <= 0 || request.timeoutMs > this.#o.settings.maxTimeoutMs)
      return Promise.resolve(refused(ErrorCodes.INVALID_TRANSACTION_TIMEOUT))
    return this.#decide(request.id, (known, freshId, now) => initialise(known, request, freshId, now))
  }

  join(id: string, request: JoinRequest): Promise<Reply> {
    return this.#decide(id, (known, _, now) => join(known, request, now))
  }

  end(id: string, request: EndRequest): Promise<Reply> {
    return this.#decide(id, (known, freshId, now) => end(known, request, freshId, now))
  }

  /**
   * Whether a batch may be written to the partition in this very turn: the transaction is open, the partition has joined, and no
   * decision is on its way. TRANSACTION_ABORTABLE when it has not joined.
   */
  membership(id: string, producer: ProducerIdentity, partition: NamedPartition): ErrorCode {
    const obstacle = this.obstacle(id)
    if (obstacle !== NONE) return obstacle
    const verdict = membership(this.get(id), producer, partition)
    if (verdict === 'ending') return CONCURRENT_TRANSACTIONS
    return verdict === NONE && this.#deciding.has(id) ? CONCURRENT_TRANSACTIONS : verdict
  }

  /** Whether requests about this id are under way: who wants to keep its place among them waits for its turn. */
  isBusy(id: string): boolean {
    return this.#turns.isTaken(id)
  }

  /** A marker that an operator asks for, once; what each partition says. */
  mark(partitions: readonly NamedPartition[], marker: Marker): Promise<readonly ErrorCode[]> {
    return this.#o.markers.writeOnce(partitions, marker)
  }

  /** Resolves when it is one's turn. */
  async quiet(id: string): Promise<ErrorCode> {
    const giveTurn = await this.#turns.take(id)
    giveTurn()
    return NONE
  }

  get verifiesPartitions(): boolean {
    return this.#o.settings.verifiesPartitions
  }

  async #decide(id: string, decide: Decide): Promise<Reply> {
    const obstacle = this.obstacle(id)
    if (obstacle !== NONE) return refused(obstacle)
    const until = this.#o.clock.monotonic() + patienceMs
    for (;;) {
      const reply = await this.#takeTurn(id, decide)
      if (reply !== 'later') return reply
      if (!(await this.#ended(id, until))) return refused(CONCURRENT_TRANSACTIONS)
    }
  }

  async #takeTurn(id: string, decide: Decide): Promise<Reply | 'later'> {
    const giveTurn = await this.#turns.take(id)
    try {
      const now = this.#o.clock.now()
      let decision = decide(this.get(id), undefined, now)
      if (decision.kind === 'needsId') decision = decide(this.get(id), await this.#o.freshProducerId(), now)
      return await this.#perform(decision)
    } finally {
      giveTurn()
    }
  }

  async #perform(decision: Decision): Promise<Reply | 'later'> {
    switch (decision.kind) {
      case 'refuse':
        return refused(decision.error)
      case 'answer':
        return { error: NONE, ...decision.producer }
      case 'store': {
        const error = await this.#store(decision.next)
        return error === NONE ? { error, ...decision.producer } : refused(error)
      }
      case 'abortFirst': {
        const error = await this.#store(decision.next)
        return error === NONE ? 'later' : refused(error)
      }
      default:
        return 'later'
    }
  }

  async #store(next: Transaction): Promise<ErrorCode> {
    if (isEnding(next)) this.#deciding.add(next.id)
    try {
      const error = await this.#log.write(next.id, [{ id: next.id, transaction: next }])
      return error === ErrorCodes.INVALID_COMMIT_OFFSET_SIZE ? ErrorCodes.UNKNOWN_SERVER_ERROR : error
    } finally {
      this.#deciding.delete(next.id)
    }
  }

  /** What is durable has its consequences, whoever asked for it, and whether it was waited for or not. */
  #applied({ id, transaction }: TransactionRecord): void {
    if (!this.#isLoaded) return
    if (transaction === null) this.#deadlines.delete(id)
    else this.#follow(transaction)
  }

  #follow(transaction: Transaction): void {
    const { id, state } = transaction
    if (state !== 'Ongoing') this.#deadlines.delete(id)
    else if (!this.#deadlines.has(id)) this.#deadlines.set(id, this.#timeLeft(transaction))
    if (isEnding(transaction) && !this.#ends.has(id)) this.#complete(transaction)
  }

  /** A start that lies in the future, or longer back than the transaction may take, says more about the clock than about the transaction. */
  #timeLeft({ startedAt, timeoutMs }: Transaction): number {
    const age = this.#o.clock.now() - startedAt
    return age >= 0 && age < timeoutMs ? timeoutMs - age : timeoutMs
  }

  #complete(transaction: Transaction): void {
    const { id } = transaction
    const ending = this.#writeEnd(transaction)
      .catch(error => {
        if (!this.#isClosed) this.#o.logger.error({ transactionalId: id, error }, 'a transaction could not be ended')
      })
      .finally(() => this.#ends.delete(id))
    this.#ends.set(id, ending)
  }

  async #writeEnd(transaction: Transaction): Promise<void> {
    const { producerId, epoch: producerEpoch } = transaction
    const { coordinatorEpoch, markers, clock } = this.#o
    const outcome = outcomeOf(transaction)!
    await markers.write(transaction.partitions, { producerId, producerEpoch, coordinatorEpoch, outcome })
    const giveTurn = await this.#turns.take(transaction.id)
    try {
      // Until it can be noted; nothing else changes a transaction that has its decision.
      while (!this.#isClosed && (await this.#store(completed(transaction, clock.now()))) !== NONE) await this.#pause()
    } finally {
      giveTurn()
    }
  }

  #pause(): Promise<void> {
    return new Promise(done => this.#o.clock.timer(patienceMs, done))
  }

  /** False when it takes too long. */
  async #ended(id: string, until: number): Promise<boolean> {
    const ending = this.#ends.get(id)
    if (ending === undefined) return true
    const { clock } = this.#o
    return new Promise(done => {
      const patience = clock.timer(Math.max(until - clock.monotonic(), 0), () => done(false))
      void ending.then(() => {
        patience.cancel()
        done(true)
      })
    })
  }

  async #timedOut(id: string): Promise<void> {
    const open = this.get(id)
    const giveTurn = await this.#turns.take(id)
    try {
      const now = this.get(id)
      if (now?.state !== 'Ongoing' || now.producerId !== open?.producerId || now.epoch !== open.epoch) return
      this.#o.logger.info(
        { transactionalId: id, producerId: String(now.producerId), timeoutMs: now.timeoutMs },
        'a transaction is aborted: its producer has not ended it in time',
      )
      await this.#store(fenced(now, this.#o.clock.now()))
    } finally {
      giveTurn()
    }
  }
}
