/**
 * The coordinator of all transactions of this process. It asks the machine (initialising.ts, joining.ts, ending.ts) what is to be done,
 * and does it; it decides nothing itself.
 *
 *     request ─▶ decision ─┬─▶ refused, or answered: nothing changes
 *                          └─▶ a record for __transaction_state ─ durable ─▶ answered
 *                                   └─ a Prepare state ─▶ transaction-ends.ts
 *
 * Requests about one transactional id take turns. Those that come while its transaction ends wait a little for the end, where Kafka
 * has the client come again. What was decided is ended after a crash, too.
 */
import { type ErrorCode, ErrorCodes } from '@odradek/protocol'
import type { Clock } from '@odradek/world'
import type { Marker } from '../coordinator-log/record-kind.ts'
import type { Logger } from '../logger.ts'
import { DeadlineList } from './deadline-list.ts'
import { type Decision, refuse, store } from './decision.ts'
import { type EndRequest, end, fenced } from './ending.ts'
import { type InitRequest, initialise } from './initialising.ts'
import { type JoinRequest, join, membership } from './joining.ts'
import type { MarkerWriter } from './marker-writer.ts'
import { endedPartitions, type Findings, type OpenTransaction, sortedOut } from './recovery.ts'
import { isEnding, isUsedUp, noEpoch, noProducerId, type ProducerIdentity, type Transaction } from './transaction.ts'
import { TransactionEnds } from './transaction-ends.ts'
import { bytesOf, eachPartition, type NamedPartition, withPartitions } from './transaction-partitions.ts'
import type { TransactionRecord } from './transaction-records.ts'
import type { TransactionSettings } from './transaction-settings.ts'
import { type TransactionLog, TransactionView } from './transaction-view.ts'
import { TurnLocks } from './turn-locks.ts'
import { Upkeep } from './upkeep.ts'

export interface TransactionsOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly settings: TransactionSettings
  /** Fences the markers of coordinators before this one. */
  readonly coordinatorEpoch: number
  readonly freshProducerId: () => Promise<bigint>
  readonly markers: MarkerWriter
  /** Makes the log; its images are to tell what becomes durable. */
  readonly log: (applied: (record: TransactionRecord) => void) => TransactionLog
  /** What partitions that can be read have open, and which cannot be read. */
  readonly survey: () => Promise<{ open: readonly OpenTransaction[]; offline: (partition: NamedPartition) => boolean }>
}

export interface Reply extends ProducerIdentity {
  readonly error: ErrorCode
}

type Decide = (known: Transaction | undefined, freshId: bigint | undefined, now: number) => Decision

/** How long a request waits for the end of the transaction before; as long as Kafka's broker retries for its clients. */
const patienceMs = 100

/** What else is in a record, and around it: far more than it takes. */
const recordOverhead = 512

const { NONE, CONCURRENT_TRANSACTIONS } = ErrorCodes
const refused = (error: ErrorCode): Reply => ({ error, producerId: noProducerId, epoch: noEpoch })

export class Transactions {
  readonly #o: TransactionsOptions
  readonly #log: TransactionLog
  readonly #view: TransactionView
  readonly #ends: TransactionEnds
  readonly #turns = new TurnLocks()
  readonly #deadlines: DeadlineList
  readonly #upkeep: Upkeep
  /** Whose decision is being written: nothing may be written for them any more. */
  readonly #deciding = new Set<string>()
  /** Whose partitions are to join once the end before is complete; nothing can be said about them until then. */
  readonly #joiningLate = new Set<string>()
  #isLoaded = false

  constructor(options: TransactionsOptions) {
    this.#o = options
    this.#log = options.log(record => this.#applied(record))
    this.#view = new TransactionView(this.#log)
    this.#ends = new TransactionEnds({ ...options, view: this.#view, note: of => void this.#note(of) })
    const { clock, settings } = options
    const passed = (id: string) => void this.#timedOut(id)
    this.#deadlines = new DeadlineList(clock, () => settings.timeoutCheckMs, passed)
    const [all, forget] = [() => this.#view.all(), (unused: Transaction) => void this.#forget(unused)]
    this.#upkeep = new Upkeep({ ...options, all, forget })
  }

  /** Reads what was stored, and what the partitions say; what had its decision is ended, and what is open has its time. */
  async load(): Promise<Findings> {
    await this.#log.load()
    const { open, offline } = await this.#o.survey()
    const findings = sortedOut(this.#view.all(), open)
    this.#isLoaded = true
    for (const transaction of this.#view.all()) {
      const unmarked = findings.unmarked.get(transaction.id) ?? []
      const ended = endedPartitions(transaction)
      if (ended !== undefined)
        this.#ends.begin(transaction, [...unmarked, ...[...eachPartition(ended)].filter(offline)])
      if (transaction.state === 'Ongoing') this.#watch(transaction)
    }
    for (const [id, partitions] of findings.joining) void this.#takeIn(id, partitions)
    this.#upkeep.start(findings.hanging)
    return findings
  }

  close(): void {
    this.#upkeep.close()
    this.#deadlines.close()
    this.#ends.close()
  }

  /** Why nothing can be said about a transactional id now; NONE when something can. */
  obstacle(id: string): ErrorCode {
    if (!this.#isLoaded) return ErrorCodes.COORDINATOR_LOAD_IN_PROGRESS
    return this.#log.isReadable(id) ? NONE : ErrorCodes.COORDINATOR_NOT_AVAILABLE
  }

  get verifiesPartitions(): boolean {
    return this.#o.settings.verifiesPartitions
  }

  get(id: string): Transaction | undefined {
    return this.#view.get(id)
  }

  all(): Iterable<Transaction> {
    return this.#view.all()
  }

  initialise(request: InitRequest): Promise<Reply> {
    if (request.timeoutMs <= 0 || request.timeoutMs > this.#o.settings.maxTimeoutMs)
      return Promise.resolve(refused(ErrorCodes.INVALID_TRANSACTION_TIMEOUT))
    return this.#decide(request.id, (known, freshId, now) => initialise(known, request, freshId, now))
  }

  /** Resolves when it is durable that the partitions have joined. */
  join(id: string, request: JoinRequest): Promise<Reply> {
    return this.#decide(id, (_, __, now) => this.#joining(id, request, now))
  }

  /**
   * The same for partitions that are written to in this very turn: they are members at once. Undefined when that must wait, or needs no
   * record.
   */
  joinNow(id: string, request: JoinRequest): Promise<ErrorCode> | undefined {
    if (this.obstacle(id) !== NONE) return undefined
    const giveTurn = this.#turns.takeNow(id)
    if (giveTurn === undefined) return undefined
    const decision = this.#joining(id, request, this.#o.clock.now())
    if (decision.kind !== 'store') {
      giveTurn()
      return undefined
    }
    this.#view.advance(decision.next)
    this.#watch(decision.next)
    return this.#store(decision.next).finally(giveTurn)
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
    const verdict = membership(this.#view.get(id), producer, partition)
    if (verdict === 'ending') return CONCURRENT_TRANSACTIONS
    return verdict === NONE && this.#deciding.has(id) ? CONCURRENT_TRANSACTIONS : verdict
  }

  /** Whether nothing about this id is under way: who wants to keep its place among requests waits for its turn otherwise. */
  isQuiet(id: string): boolean {
    return !this.#turns.isTaken(id) && !this.#isUnrecorded(id)
  }

  /** Resolves when it is one's turn, or when that is not to be waited for. */
  async quiet(id: string): Promise<ErrorCode> {
    if (await this.#isHeldUp(id, this.#o.clock.monotonic() + patienceMs)) return CONCURRENT_TRANSACTIONS
    const giveTurn = await this.#turns.take(id)
    giveTurn()
    return NONE
  }

  /** A marker that an operator asks for, once; what each partition says. */
  mark(partitions: readonly NamedPartition[], marker: Marker): Promise<readonly ErrorCode[]> {
    return this.#o.markers.writeOnce(partitions, marker)
  }

  /** Partitions have joined, and it could not be stored. Said when nothing is being stored. */
  #isUnrecorded(id: string): boolean {
    return this.#view.isAhead(id) && this.#view.get(id)!.state === 'Ongoing'
  }

  #joining(id: string, request: JoinRequest, now: number): Decision {
    const known = this.#view.get(id)
    const passed = known !== undefined && isEnding(known) ? this.#ends.passed(id) : undefined
    const decision = join(passed ?? this.#settled(known), request, now)
    // Before anything is written: what is open must fit into the record of its end, too, or nobody could end it.
    if (decision.kind === 'store' && !this.#hasRoom(decision.next))
      return refuse(request.clientVersion >= 2 ? ErrorCodes.TRANSACTION_ABORTABLE : ErrorCodes.INVALID_TXN_STATE)
    return decision.kind === 'answer' && this.#isUnrecorded(id) ? store(known!) : decision
  }

  #hasRoom({ id, partitions, earlier }: Transaction): boolean {
    const bytes = 6 * id.length + bytesOf(partitions) + (earlier ? bytesOf(earlier.partitions) : 0)
    const hasRoom = bytes <= this.#o.settings.maxRecordBytes - recordOverhead
    if (!hasRoom)
      this.#o.logger.warn(
        { transactionalId: id, bytes },
        'a transaction has as many partitions as one record can name: it must be aborted, and its producer use fewer of them in one',
      )
    return hasRoom
  }

  /** Without the end before, once that is complete. */
  #settled(known: Transaction | undefined): Transaction | undefined {
    return known?.earlier === undefined || this.#ends.has(known.id) ? known : { ...known, earlier: undefined }
  }

  async #decide(id: string, decide: Decide): Promise<Reply> {
    const obstacle = this.obstacle(id)
    if (obstacle !== NONE) return refused(obstacle)
    const until = this.#o.clock.monotonic() + patienceMs
    for (;;) {
      if (await this.#isHeldUp(id, until)) return refused(CONCURRENT_TRANSACTIONS)
      const reply = await this.#takeTurn(id, decide)
      if (reply !== 'later') return reply
      if (!(await this.#ends.ended(id, until))) return refused(CONCURRENT_TRANSACTIONS)
    }
  }

  /** Whether the turn is still not to be had by then: the end before may have to wait for a partition that is offline. */
  async #isHeldUp(id: string, until: number): Promise<boolean> {
    return this.#joiningLate.has(id) && !(await this.#ends.ended(id, until))
  }

  async #takeTurn(id: string, decide: Decide): Promise<Reply | 'later'> {
    const giveTurn = await this.#turns.take(id)
    try {
      const now = this.#o.clock.now()
      const known = () => this.#settled(this.#view.get(id))
      let decision = decide(known(), undefined, now)
      if (decision.kind === 'needsId') decision = decide(known(), await this.#o.freshProducerId(), now)
      return await this.#perform(id, decision)
    } finally {
      giveTurn()
    }
  }

  async #perform(id: string, decision: Decision): Promise<Reply | 'later'> {
    switch (decision.kind) {
      case 'refuse':
        return refused(decision.error)
      case 'answer':
        return { error: NONE, ...decision.producer }
      case 'store':
      case 'abortFirst': {
        // Two ends at once would be too many to keep in mind.
        if (decision.next.state !== 'Ongoing' && this.#ends.has(id)) return 'later'
        const error = await this.#store(decision.next)
        if (error !== NONE) return refused(error)
        return decision.kind === 'store' ? { error, ...decision.producer } : 'later'
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
    this.#view.caughtUp(id)
    if (transaction?.state === 'Ongoing') this.#watch(transaction)
    else this.#deadlines.delete(id)
    if (transaction && isEnding(transaction)) this.#ends.begin(transaction, [...eachPartition(transaction.partitions)])
  }

  #watch(open: Transaction): void {
    if (!this.#deadlines.has(open.id)) this.#deadlines.set(open.id, this.#timeLeft(open))
  }

  /** A start that lies in the future, or longer back than the transaction may take, says more about the clock than about the transaction. */
  #timeLeft({ startedAt, timeoutMs }: Transaction): number {
    const age = this.#o.clock.now() - startedAt
    return age >= 0 && age < timeoutMs ? timeoutMs - age : timeoutMs
  }

  /** An end is complete, and its producer has not gone on: that is written down. */
  async #note(of: Transaction): Promise<void> {
    const giveTurn = await this.#turns.take(of.id)
    try {
      if (this.#view.stored(of.id) !== of || !this.#view.isAhead(of.id)) return
      if ((await this.#store(this.#view.get(of.id)!)) !== NONE) this.#ends.noteLater(of)
    } finally {
      giveTurn()
    }
  }

  /** Partitions were written to, and a crash took the record that they joined. Until they have, nobody else has a turn. */
  async #takeIn(id: string, partitions: readonly NamedPartition[]): Promise<void> {
    this.#joiningLate.add(id)
    const giveTurn = await this.#turns.take(id)
    try {
      await this.#ends.whenEnded(id)
      // Given up, because the broker closes: what is decided stays decided.
      if (this.#ends.has(id)) return
      const known = this.#settled(this.#view.get(id))!
      const isOpen = known.state === 'Ongoing'
      const now = this.#o.clock.now()
      const joined = withPartitions(known.partitions, partitions)
      const next: Transaction = { ...known, state: 'Ongoing', partitions: joined, updatedAt: now, clientVersion: 2 }
      this.#view.advance(isOpen ? next : { ...next, startedAt: now })
      this.#watch(this.#view.get(id)!)
      await this.#store(this.#view.get(id)!)
    } finally {
      this.#joiningLate.delete(id)
      giveTurn()
    }
  }

  async #forget({ id, updatedAt }: Transaction): Promise<void> {
    const giveTurn = await this.#turns.take(id)
    try {
      const known = this.#view.get(id)
      if (known?.updatedAt === updatedAt && !this.#ends.has(id)) await this.#log.write(id, [{ id, transaction: null }])
    } finally {
      giveTurn()
    }
  }

  async #timedOut(id: string): Promise<void> {
    if (this.#ends.has(id)) return
    const open = this.#view.get(id)
    const giveTurn = await this.#turns.take(id)
    try {
      const now = this.#settled(this.#view.get(id))
      const isSame = now?.producerId === open?.producerId && now?.epoch === open?.epoch
      if (now?.state !== 'Ongoing' || !isSame || this.#ends.has(id)) return
      this.#o.logger.info(
        { transactionalId: id, producerId: String(now.producerId), timeoutMs: now.timeoutMs },
        'a transaction is aborted: its producer has not ended it in time',
      )
      const freshId = isUsedUp(now) ? await this.#o.freshProducerId() : undefined
      await this.#store(fenced(now, { byAnother: false, freshId, now: this.#o.clock.now() })!)
    } catch (error) {
      // Without a producer id to go on with: it is tried again at the next look.
      this.#o.logger.warn(
        { transactionalId: id, error: (error as Error).message },
        'a transaction cannot be aborted yet',
      )
    } finally {
      giveTurn()
    }
  }
}
