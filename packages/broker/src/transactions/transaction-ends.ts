/**
 * Ends that are decided: their markers go to every partition, then the log is told that they are complete. That they are is true before
 * it is told, and a transaction that follows soon tells it along.
 *
 *     decided ─▶ every partition told ─▶ every marker durable ─┬─▶ the next transaction begins: nothing is left to tell
 *                  │                                           └─ a moment later ─▶ a Complete record
 *                  └─ the next transaction of a client whose epoch rises may begin: its batches come behind the markers
 */
import type { Clock, Timer } from '@odradek/world'
import type { Logger } from '../logger.ts'
import { completed } from './ending.ts'
import type { MarkerWriter } from './marker-writer.ts'
import { isEnding, noProducerId, outcomeOf, type Transaction } from './transaction.ts'
import type { NamedPartition } from './transaction-partitions.ts'
import type { TransactionView } from './transaction-view.ts'

export interface TransactionEndsOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly coordinatorEpoch: number
  readonly markers: MarkerWriter
  readonly view: TransactionView
  /** Writes down that an end is complete, if nothing has come after it. */
  readonly note: (end: Transaction) => void
}

interface End {
  readonly of: Transaction
  /** The markers stand, or will stand, before anything that is written from now on. */
  canBePassed: boolean
  /** On the monotonic clock. */
  readonly decidedAt: number
  /** Tells the partitions, if they have not been told. */
  readonly tell: () => void
  readonly done: Promise<void>
}

/** A producer that goes on within this time after an end … */
const hasteMs = 3
/** … gets so long: the markers then share the sync of what it writes next. */
const lingerMs = 1
/** Long enough for a busy producer to begin its next transaction. */
const noteAfterMs = 50

export class TransactionEnds {
  readonly #o: TransactionEndsOptions
  readonly #ends = new Map<string, End>()
  /** Ids whose producers went straight on after their last end. */
  readonly #hasty = new Set<string>()
  /** To be written down. */
  readonly #complete = new Map<string, Transaction>()
  #timer: Timer | undefined
  #isClosed = false

  constructor(options: TransactionEndsOptions) {
    this.#o = options
  }

  has(id: string): boolean {
    return this.#ends.has(id)
  }

  /** The transaction as it will be when its markers are written, for one that follows behind them; undefined when that must wait. */
  passed(id: string): Transaction | undefined {
    const end = this.#ends.get(id)
    if (end === undefined || !end.canBePassed) return undefined
    const { of } = end
    if (this.#o.clock.monotonic() - end.decidedAt < hasteMs) this.#hasty.add(id)
    // Before the batches that come with whoever asks, and in one write with them.
    this.#o.clock.soon(end.tell)
    return { ...completed(of, of.updatedAt), earlier: { outcome: outcomeOf(of)!, partitions: of.partitions } }
  }

  /** `partitions`: those that may be without their marker. `of` is in a Prepare state, or follows an end that may not be complete. */
  begin(of: Transaction, partitions: readonly NamedPartition[]): void {
    const { clock } = this.#o
    const canBePassed = isEnding(of) && mayBePassed(of)
    const lingers = canBePassed && this.#hasty.delete(of.id)
    const { promise: done, resolve } = Promise.withResolvers<void>()
    let isTold = false
    const tell = () => {
      if (!isTold) resolve(this.#write(end, partitions))
      isTold = true
    }
    const end: End = { of, canBePassed, decidedAt: clock.monotonic(), tell, done }
    this.#ends.set(of.id, end)
    if (lingers) clock.timer(lingerMs, tell)
    else tell()
  }

  async #write(end: End, partitions: readonly NamedPartition[]): Promise<void> {
    const { coordinatorEpoch, markers } = this.#o
    const { id, producerId, epoch: producerEpoch, clientVersion } = end.of
    const outcome = isEnding(end.of) ? outcomeOf(end.of)! : end.of.earlier!.outcome
    const marker = { producerId, producerEpoch, coordinatorEpoch, outcome, endsEarlierEpoch: clientVersion >= 2 }
    const delayed = () => {
      end.canBePassed = false
    }
    try {
      await markers.write(partitions, marker, delayed)
      this.#marked(end.of)
    } catch (error) {
      this.#report(id, error)
    }
  }

  /** Resolves when no end of this id is under way; false when it takes too long, or was given up because the broker closes. */
  async ended(id: string, until: number): Promise<boolean> {
    const end = this.#ends.get(id)
    if (end === undefined) return true
    const { clock } = this.#o
    return new Promise(resolve => {
      const patience = clock.timer(Math.max(until - clock.monotonic(), 0), () => resolve(false))
      void end.done.then(() => {
        patience.cancel()
        // Who asks again at once for an end that was given up would do so for ever.
        resolve(this.#ends.get(id) !== end)
      })
    })
  }

  /** Resolves when no end of this id is under way, however long it takes. */
  async whenEnded(id: string): Promise<void> {
    await this.#ends.get(id)?.done
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#o.markers.close()
  }

  #marked(of: Transaction): void {
    const { view, clock } = this.#o
    this.#ends.delete(of.id)
    if (!isEnding(of) || view.stored(of.id) !== of || view.isAhead(of.id)) return
    view.advance(completed(of, clock.now()))
    this.noteLater(of)
  }

  noteLater(of: Transaction): void {
    this.#complete.set(of.id, of)
    if (this.#isClosed) return
    this.#timer ??= this.#o.clock.timer(noteAfterMs, () => this.#noteAll())
  }

  #noteAll(): void {
    this.#timer = undefined
    const due = [...this.#complete.values()]
    this.#complete.clear()
    for (const of of due) this.#o.note(of)
  }

  #report(id: string, error: unknown): void {
    if (!this.#isClosed) this.#o.logger.error({ transactionalId: id, error }, 'a transaction could not be ended')
  }
}

/** The epoch of the next transaction is another: nobody takes its batches for those of this one. */
const mayBePassed = ({ clientVersion, nextProducerId }: Transaction): boolean =>
  clientVersion >= 2 && nextProducerId === noProducerId
