/**
 * Level three: a handler, called for many records at once. Offsets are committed up to the lowest record not yet processed.
 *
 * Two things go on side by side: the poll loop, which keeps the membership alive and the stock of records filled, and the works, of
 * which up to `concurrency` are under way. When partitions go away, works under way for them are waited for, the others forgotten.
 *
 * A handler that throws is tried again as `retry` says, then the record goes to the dead-letter topic; without one the run ends with
 * the error, and the record stays unprocessed.
 */
import { UsageError } from '@odradek/protocol'
import { type Clock, type Random, sleep } from '@odradek/world'
import { type Backoff, backoffMs } from '../cluster/backoff.ts'
import type { ConsumerRecord } from './consumer-record.ts'
import type { Intake } from './intake.ts'
import type { PartitionStay } from './partition-stay.ts'
import { type Order, type Work, WorkLanes } from './work-lanes.ts'

export interface RetryPolicy {
  /** Default 1: calls of the handler in all. */
  readonly attempts?: number
  /** Default exponential from 100 ms to 10 s. */
  readonly backoff?: 'exponential' | Backoff
}

export interface HandlerContext {
  /** Aborts when the partition is taken away or the run ends: what is being done will be done again. */
  readonly signal: AbortSignal
  /** 1 for the first call with this record. */
  readonly attempt: number
}

export type RecordHandler<R> = (record: R, context: HandlerContext) => void | Promise<void>

export interface RunnerOptions {
  readonly clock: Clock
  readonly random: Random
  readonly intake: Intake
  readonly concurrency: number
  readonly order: Order
  readonly retry: RetryPolicy
  readonly deadLetter: ((record: ConsumerRecord, error: unknown) => Promise<void>) | undefined
  readonly signal: AbortSignal | undefined
  readonly isClosed: () => boolean
  /** When all that is under way has been so for longer, the poll loop stops, the engine stalls, and others take over. */
  readonly maxPollIntervalMs: number
  /** How long works under way are waited for when their partition goes, before their signal aborts. */
  readonly drainMs: number
}

const pollMs = 10_000
const exponential: Backoff = { initialMs: 100, maxMs: 10_000 }

export class Runner {
  readonly #options: RunnerOptions
  readonly #handler: RecordHandler<ConsumerRecord>
  readonly #lanes: WorkLanes
  readonly #stock: number
  readonly #underWay = new Map<PartitionStay, number>()
  readonly #leaving = new Set<PartitionStay>()
  readonly #end = new AbortController()
  readonly #contexts = new Map<PartitionStay, HandlerContext>()
  #active = 0
  /** When a work finished last, or the only one under way began. */
  #lastFinish = 0
  #isStarting = false
  #failure: { error: unknown } | undefined
  /** Set while the poll loop waits with a full stock. */
  #wanting: AbortController | undefined
  /** Told after each work. */
  readonly #watchers = new Set<() => void>()

  constructor(handler: RecordHandler<ConsumerRecord>, options: RunnerOptions) {
    this.#handler = handler
    this.#options = options
    this.#lanes = new WorkLanes(options.order)
    this.#stock = Math.max(500, options.concurrency * 4)
  }

  /** Until the signal aborts or the consumer closes (then it resolves, works under way done), or something fatal happens. */
  async run(): Promise<void> {
    const { intake, signal, isClosed } = this.#options
    const stop = () => {
      this.#wanting?.abort()
      this.#tellWatchers()
    }
    signal?.addEventListener('abort', stop, { once: true })
    intake.drain = stays => this.#drain(stays)
    this.#stockUp()
    this.#start()
    try {
      while (!this.#isOver()) await this.#pollOnce()
      await this.#quiet()
    } catch (error) {
      if (!isClosed()) this.#failure ??= { error }
      await this.#quiet()
    } finally {
      signal?.removeEventListener('abort', stop)
      intake.drain = undefined
      if (!isClosed()) intake.rewind()
      this.#end.abort(new UsageError('the run has ended'))
    }
    if (this.#failure) throw this.#failure.error
  }

  #isOver(): boolean {
    return this.#failure !== undefined || this.#options.signal?.aborted === true || this.#options.isClosed()
  }

  async #pollOnce(): Promise<void> {
    if (this.#isStuck()) await this.#finished()
    const room = this.#stock - this.#lanes.size
    this.#wanting = new AbortController()
    await this.#options.intake.fill(pollMs, Math.max(0, room), this.#wanting.signal)
    this.#wanting = undefined
    this.#stockUp()
    this.#start()
  }

  /** A poll says that we are getting on; when we are not it should not be said. */
  #isStuck(): boolean {
    const { clock, maxPollIntervalMs } = this.#options
    return this.#active > 0 && clock.monotonic() - this.#lastFinish >= maxPollIntervalMs
  }

  /** The next work to finish. */
  #finished(): Promise<void> {
    const before = this.#lastFinish
    return this.#until(() => this.#lastFinish !== before || this.#isOver(), this.#end.signal)
  }

  #stockUp(): void {
    const { intake } = this.#options
    for (const { stay, records, at, leaderEpoch, nextOffset } of intake.pending) {
      for (let i = at; i < records.length; i++) {
        const record = records[i]!
        const next = records[i + 1]?.offset ?? nextOffset
        this.#lanes.add(record, stay, stay.processed.begin(record.offset, next, leaderEpoch))
      }
    }
    intake.pending = []
  }

  /** Starts works while there is room. Handlers that do not wait finish here, one after the other, without a promise each. */
  #start(): void {
    if (this.#isStarting) return
    this.#isStarting = true
    while (this.#active < this.#options.concurrency && !this.#isOver()) {
      const work = this.#lanes.take()
      if (!work) break
      if (!this.#isGone(work.stay)) this.#work(work)
    }
    this.#isStarting = false
    if (this.#lanes.size < this.#stock / 2 || this.#isOver()) this.#wanting?.abort()
  }

  #work(work: Work): void {
    const { stay } = work
    if (this.#active++ === 0) this.#lastFinish = this.#options.clock.monotonic()
    this.#underWay.set(stay, (this.#underWay.get(stay) ?? 0) + 1)
    try {
      const working = this.#handler(work.record, this.#contextOf(stay))
      if (working === undefined) this.#finish(work, true)
      else
        working.then(
          () => this.#finish(work, true),
          error => this.#failed(work, error),
        )
    } catch (error) {
      this.#failed(work, error)
    }
  }

  #contextOf(stay: PartitionStay): HandlerContext {
    let context = this.#contexts.get(stay)
    if (!context) {
      context = { signal: AbortSignal.any([stay.signal, this.#end.signal]), attempt: 1 }
      this.#contexts.set(stay, context)
    }
    return context
  }

  #failed(work: Work, error: unknown): void {
    this.#recover(work, error).then(
      isProcessed => this.#finish(work, isProcessed),
      fatal => {
        this.#failure ??= { error: fatal }
        this.#finish(work, false)
      },
    )
  }

  /** True once the record is processed after all, or is a dead letter; false when it need not be any more. */
  async #recover(work: Work, first: unknown): Promise<boolean> {
    const { clock, random, retry, deadLetter } = this.#options
    const { signal } = this.#contextOf(work.stay)
    const backoff = retry.backoff === undefined || retry.backoff === 'exponential' ? exponential : retry.backoff
    let error = first
    for (let attempt = 1; attempt < (retry.attempts ?? 1); attempt++) {
      if (signal.aborted || this.#isOver()) return false
      await sleep(clock, backoffMs(attempt, random, backoff), signal).catch(() => {})
      if (signal.aborted) return false
      try {
        await this.#handler(work.record, { signal, attempt: attempt + 1 })
        return true
      } catch (again) {
        error = again
      }
    }
    // Whose partition is gone may fail as it likes: the record is somebody else's.
    if (signal.aborted) return false
    if (!deadLetter) throw error
    await deadLetter(work.record, error)
    return true
  }

  #finish(work: Work, isProcessed: boolean): void {
    const { stay, ticket } = work
    this.#active--
    this.#lastFinish = this.#options.clock.monotonic()
    const left = this.#underWay.get(stay)! - 1
    if (left > 0) this.#underWay.set(stay, left)
    else this.#underWay.delete(stay)
    if (isProcessed) stay.processed.finish(ticket)
    this.#lanes.done(work)
    this.#tellWatchers()
    this.#start()
  }

  #isGone(stay: PartitionStay): boolean {
    return stay.isOver || this.#leaving.has(stay)
  }

  /** No new works for these, and those under way done, or given up after a while. */
  async #drain(stays: readonly PartitionStay[]): Promise<void> {
    for (const stay of stays) this.#leaving.add(stay)
    this.#lanes.drop(stay => this.#isGone(stay))
    const late = new AbortController()
    const timer = this.#options.clock.timer(this.#options.drainMs, () => late.abort(), { keepAlive: true })
    await this.#until(() => !stays.some(stay => this.#underWay.has(stay)), late.signal)
    timer.cancel()
    this.#tellWatchers()
    for (const stay of stays) {
      this.#leaving.delete(stay)
      this.#contexts.delete(stay)
    }
  }

  async #quiet(): Promise<void> {
    await this.#drain([...this.#underWay.keys()])
  }

  #tellWatchers(): void {
    for (const look of [...this.#watchers]) look()
  }

  #until(isSo: () => boolean, giveUp: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const look = () => {
        if (!isSo() && !giveUp.aborted) return
        this.#watchers.delete(look)
        resolve()
      }
      this.#watchers.add(look)
      giveUp.addEventListener('abort', look, { once: true })
      look()
    })
  }
}
