/**
 * A producer whose records become visible together, or never, with the offsets of what they were made from: exactly-once processing.
 * It does one transaction after the other; each is a function.
 */
import assert from 'node:assert/strict'
import { ConnectionError, ErrorCodes, ProtocolError, UsageError } from '@odradek/protocol'
import { abandonable, abortWith, untilAborted } from '../../cluster/abandon.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { Accumulator } from '../accumulator.ts'
import type { ProducerIdentity } from '../batch.ts'
import { resolveProducerOptions, resolveTransactionOptions, type TransactionalProducerOptions } from '../options.ts'
import { Publisher } from '../publisher.ts'
import { OpenTransaction } from './open-transaction.ts'
import { Transaction } from './transaction.ts'
import { TransactionCoordinator } from './transaction-coordinator.ts'
import {
  outcomeUnknown,
  outcomeUnknownCode,
  producerUseless,
  TransactionError,
  transactionLost,
} from './transaction-error.ts'
import type { TransactionGate } from './transaction-gate.ts'
import { nextPhase, type Phase, type PhaseEvent } from './transaction-phase.ts'
import { verdictOf, verdictOfDelivery } from './verdict.ts'

export interface TransactionOptions {
  /** Aborts the transaction and ends the waiting; once the commit has begun it is seen through. */
  readonly signal?: AbortSignal | undefined
}

/** Later versions of Produce begin a transaction by themselves. */
const lastProduceOfV1 = 11

export class TransactionalProducer implements AsyncDisposable {
  readonly transactionalId: string
  readonly #cluster: Cluster
  readonly #coordinator: TransactionCoordinator
  readonly #accumulator: Accumulator
  readonly #publisher: Publisher
  readonly #transactionTimeoutMs: number
  readonly #deliveryTimeoutMs: number
  readonly #onClosed: (producer: TransactionalProducer) => void
  readonly #hurry = new AbortController()
  #phase: Phase = 'nameless'
  #identity: ProducerIdentity | undefined
  #wasV2: boolean | undefined
  #open: OpenTransaction | undefined
  #fatal: TransactionError | undefined
  #running: Promise<unknown> | undefined
  /** The abort of a transaction whose caller has gone. */
  #leftBehind: Promise<unknown> | undefined
  #closing: Promise<void> | undefined

  constructor(
    cluster: Cluster,
    options: TransactionalProducerOptions,
    onClosed: (producer: TransactionalProducer) => void = () => {},
  ) {
    const { transactionalId, transactionTimeoutMs, others } = resolveTransactionOptions(options)
    const resolved = resolveProducerOptions(others)
    this.transactionalId = transactionalId
    this.#cluster = cluster
    this.#transactionTimeoutMs = transactionTimeoutMs
    this.#deliveryTimeoutMs = resolved.deliveryTimeoutMs
    const timeoutMs = resolved.deliveryTimeoutMs
    this.#coordinator = new TransactionCoordinator({ cluster, transactionalId, transactionTimeoutMs, timeoutMs })
    this.#accumulator = new Accumulator(cluster, resolved, this.#gate(), (error, wasNumbered) =>
      this.#open?.deliveryFailed(error, verdictOfDelivery(error), wasNumbered),
    )
    const { clock } = cluster
    this.#publisher = new Publisher({ clock, accumulator: this.#accumulator, isTransactional: true })
    this.#onClosed = onClosed
  }

  /**
   * Runs `work` as one transaction: committed when it returns, aborted when it throws, which is thrown on. Rejects with a
   * TransactionError when the cluster is the reason. One at a time: for several at once make several producers, each with its own id.
   */
  transaction<R>(work: (tx: Transaction) => R | Promise<R>, options: TransactionOptions = {}): Promise<R> {
    if (typeof work !== 'function')
      return Promise.reject(new UsageError('transaction takes a function: transaction(async tx => { … })'))
    return this.#oneByOne(options.signal, open => this.#perform(open, work, options.signal))
  }

  /**
   * Fences whoever had the transactional id before and aborts what they left open. The first transaction does it too; done at the start
   * of the program, consumers of the group need not wait for a transaction of before to time out.
   */
  takeOver({ signal }: TransactionOptions = {}): Promise<void> {
    return this.#oneByOne(signal, async open => {
      open.ending()
      await this.#end(open, false)
    })
  }

  /** A transactional producer sends in transactions alone. */
  send(..._: never[]): never {
    throw outside('send')
  }

  /** A transactional producer sends in transactions alone. */
  sendAll(..._: never[]): never {
    throw outside('sendAll')
  }

  /** Lets the transaction that is open come to its end, then ends. With an aborted signal it is aborted. */
  close({ signal }: TransactionOptions = {}): Promise<void> {
    abortWith(this.#hurry, signal)
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    await untilAborted(this.#idle(), this.#hurry.signal)
    this.#happened('close')
    this.#accumulator.close(closed())
    this.#onClosed(this)
  }

  async #idle(): Promise<void> {
    await this.#running?.then(nothing, nothing) // whoever runs it hears of it
    await this.#leftBehind
  }

  async #oneByOne<R>(signal: AbortSignal | undefined, run: (open: OpenTransaction) => Promise<R>): Promise<R> {
    if (this.#closing) throw closed()
    if (this.#fatal) throw this.#fatal
    if (this.#running) throw overlapping(this.transactionalId)
    signal?.throwIfAborted()
    const gone = signal ? AbortSignal.any([signal, this.#hurry.signal]) : this.#hurry.signal
    const running = Promise.resolve(this.#leftBehind)
      .then(() => this.#begin(gone))
      .then(run)
    this.#running = running
    try {
      return await running
    } finally {
      this.#running = undefined
    }
  }

  #happened(event: PhaseEvent): void {
    const phase = nextPhase(this.#phase, event)
    assert(phase !== undefined, `a producer that is ${this.#phase} cannot see '${event}'`)
    this.#phase = phase
  }

  async #begin(signal: AbortSignal): Promise<OpenTransaction> {
    const wasNamed = this.#phase === 'named'
    this.#happened('begin')
    try {
      const isV2 = await this.#coordinator.isV2(signal)
      // What was begun by the old rules must not be mistaken for something begun by the new ones.
      if (!wasNamed || isV2 !== this.#wasV2) await this.#identify(signal)
      this.#wasV2 = isV2
      this.#happened('named')
      this.#open = this.#opened(isV2)
      return this.#open
    } catch (error) {
      const failure = this.#failureToBegin(error)
      this.#happened(failure instanceof TransactionError && failure.fatal ? 'fatal' : 'unnamed')
      throw failure
    }
  }

  async #identify(signal: AbortSignal): Promise<void> {
    const answer = await this.#coordinator.identify(this.#identity, signal)
    if (!answer.refused) this.#identity = answer.value
    else if (answer.refused.verdict !== 'fatal') throw answer.refused.error
    else throw producerUseless(this.transactionalId, answer.refused.error)
  }

  #opened(isV2: boolean): OpenTransaction {
    this.#accumulator.readmit()
    return new OpenTransaction({
      clock: this.#cluster.clock,
      coordinator: this.#coordinator,
      transactionalId: this.transactionalId,
      transactionTimeoutMs: this.#transactionTimeoutMs,
      identity: this.#identity!,
      isV2,
      onAdmitted: () => this.#accumulator.admitted(),
      onLost: error => this.#accumulator.abandon(error),
    })
  }

  #failureToBegin(error: unknown): unknown {
    const isHopeless = error instanceof ProtocolError && verdictOf('InitProducerId', error.errorCode) === 'fatal'
    if (isHopeless) this.#fatal = producerUseless(this.transactionalId, error)
    else if (error instanceof TransactionError && error.fatal) this.#fatal = error
    if (this.#fatal) return this.#fatal
    return error instanceof ProtocolError || error instanceof ConnectionError ? transactionLost(error) : error
  }

  /** A transaction that is lost is aborted at once; what `work` still does is waited for all the same, unless the caller has gone. */
  async #perform<R>(
    open: OpenTransaction,
    work: (tx: Transaction) => R | Promise<R>,
    signal: AbortSignal | undefined,
  ): Promise<R> {
    let isOver = false
    let ending: Promise<unknown> | undefined
    const tx = new Transaction(open, this.#publisher, () => isOver)
    const gone = signal ? AbortSignal.any([signal, this.#hurry.signal]) : this.#hurry.signal
    const leave = () => open.lose(gone.reason)
    open.signal.addEventListener('abort', () => (ending = this.#end(open, false)), { once: true })
    gone.addEventListener('abort', leave, { once: true })
    if (gone.aborted) leave()
    try {
      if (open.failure) throw open.failure
      const result = await abandonable((async () => work(tx))(), gone)
      await open.settled()
      isOver = true
      await this.#accumulator.flush()
      if (open.failure) throw open.failure
      open.ending()
      const problem = await this.#end(open, true)
      if (problem) throw problem
      return result
    } catch (error) {
      const reason = open.failure ?? error
      open.lose(reason as Error)
      if (gone.aborted) this.#leftBehind = ending
      else await ending
      throw reason
    } finally {
      isOver = true
      gone.removeEventListener('abort', leave)
    }
  }

  /** Why there was no commit; undefined when it ended as it should. */
  async #end(open: OpenTransaction, isCommit: boolean): Promise<TransactionError | undefined> {
    this.#happened('end')
    await open.settled()
    await this.#accumulator.flush()
    const { failure } = open
    const fatal = failure instanceof TransactionError && failure.fatal ? failure : undefined
    const { event, problem } = fatal
      ? { event: 'fatal' as const, problem: fatal }
      : await this.#conclude(open, isCommit)
    if (event === 'fatal') this.#fatal = problem
    const isUnknown = problem?.code === outcomeUnknownCode
    open.ended(isUnknown ? 'unknown' : isCommit && !problem ? 'committed' : 'aborted')
    this.#open = undefined
    this.#happened(event)
    return problem
  }

  async #conclude(open: OpenTransaction, isCommit: boolean): Promise<Conclusion> {
    if (!open.hasBegun) return { event: open.needsRenewal ? 'lapsed' : 'ended' }
    const answer = await this.#coordinator.end(open.identity, open.isV2, isCommit)
    if (!answer.refused) {
      this.#identity = answer.value
      return { event: open.needsRenewal ? 'lapsed' : 'ended' }
    }
    const { verdict, error } = answer.refused
    if (!isCommit && error instanceof ProtocolError && error.errorCode === ErrorCodes.INVALID_TXN_STATE)
      return { event: 'lapsed' } // there is nothing to abort: what should have begun it did not arrive
    if (verdict === 'fatal') return { event: 'fatal', problem: producerUseless(this.transactionalId, error) }
    if (!isCommit) return { event: 'lapsed' }
    if (verdict === 'renew') return { event: 'lapsed', problem: transactionLost(error) }
    if (verdict === 'exhausted' || verdict === 'stopped')
      return { event: 'lapsed', problem: outcomeUnknown(this.#deliveryTimeoutMs, error) }
    const { event, problem } = await this.#conclude(open, false)
    return { event, problem: problem ?? transactionLost(error) }
  }

  /** What the sender sees: the transaction that is open. */
  #gate(): TransactionGate {
    const producer = this
    return {
      transactionalId: this.transactionalId,
      get current() {
        return producer.#open?.identity
      },
      get maxProduceVersion() {
        return producer.#open?.isV2 ? undefined : lastProduceOfV1
      },
      obtain: () => Promise.reject(new UsageError('nothing is sent outside of a transaction')),
      admits: queue => producer.#open?.admits(queue) ?? false,
    }
  }
}

interface Conclusion {
  readonly event: 'ended' | 'lapsed' | 'fatal'
  readonly problem?: TransactionError | undefined
}

function nothing(): void {}

function outside(method: string): UsageError {
  return new UsageError(
    `a transactional producer has no ${method}: call tx.${method} in producer.transaction(async tx => { … }), or make a producer without a transactionalId`,
  )
}

function overlapping(transactionalId: string): UsageError {
  return new UsageError(
    `a transaction of '${transactionalId}' is open already, and a producer does one at a time: await it first, or make another producer with its own transactionalId`,
  )
}

function closed(): UsageError {
  return new UsageError('the producer is closed: make a new one with kafka.producer()')
}
