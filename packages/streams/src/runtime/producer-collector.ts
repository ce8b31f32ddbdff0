import {
  type ProducerRecord,
  ProtocolError,
  type Receipt,
  type TopicPartition,
  TransactionError,
  UsageError,
} from '@odradek/client'
import { ErrorDesk, noRecord, type Origin, placeOf } from '../handlers/error-desk.ts'
import type { DeadLetter, ErrorPolicy } from '../handlers/handlers.ts'
import { type Deed, isFatalRefusal, isProducersFault } from '../handlers/verdict.ts'
import { isPromise } from '../processor.ts'
import { type MaybePromise, noHeaders } from '../record.ts'
import type { ChangeLog } from '../state/state-store.ts'
import { StreamsError } from '../streams-error.ts'
import type { Collector, OutgoingRecord } from '../task/collector.ts'
import type { StreamTaskOptions } from '../task/stream-task.ts'
import { ExcusedRecords } from './excused-records.ts'
import type { MissingOutputs } from './missing-outputs.ts'
import { type Patience, settledWithin } from './task-timeout.ts'
import { maySucceedAgain } from './transactional-outlet.ts'
import { undelivered } from './undelivered.ts'
import { untilAborted } from './until-aborted.ts'

type Bytes = ProducerRecord<Uint8Array, Uint8Array>

/** What takes records: a producer, or the transaction that is open. */
export interface Outlet {
  enqueue(topic: string, record: Bytes, receipt?: Receipt | ((error: Error) => void)): boolean
  readonly ready: Promise<void>
  readonly failure: Error | undefined
  flush(options?: { signal?: AbortSignal }): Promise<void>
  close(options?: { signal?: AbortSignal }): Promise<void>
}

/** Where a store's changes go, and how far they have come. */
export interface Changelog {
  readonly log: ChangeLog
  /** Offset after the last change that is acknowledged; undefined: none is. */
  readonly position: number | undefined
}

export interface ProducerCollectorOptions {
  /** The nodes or stores that write a topic, for messages. */
  writersOf(topic: string): string
  /** 0: that is not known. */
  partitionsOf(topic: string): number
  /** Asks for a topic, and rejects when it does not come to be; then `partitionsOf` knows. */
  lookUp(topic: string, signal: AbortSignal | undefined): Promise<unknown>
  errors: ErrorPolicy
  /** A record is passed over. */
  onDropped: NonNullable<StreamTaskOptions['onDropped']>
  /** How long the production handler may take. */
  patience: Patience
  missing?: MissingOutputs
}

interface Lost {
  readonly error: Error
  readonly record: OutgoingRecord
  readonly origin: Origin | undefined
  readonly attempts: number
  readonly changelog: ChangelogReceipt | undefined
}

/** Shared by all records of a changelog's partition. */
class ChangelogReceipt implements Receipt {
  position: number | undefined
  readonly failed: (error: Error) => void
  readonly wrong: (error: Error) => void

  constructor(onLost: (error: Error) => void) {
    this.failed = onLost
    this.wrong = onLost
  }

  /** A duplicate that the brokers have forgotten the offset of is -1. */
  delivered(_topic: string, _partition: number, offset: number): void {
    if (offset >= (this.position ?? 0)) this.position = offset + 1
  }
}

/**
 * What an instance's tasks write, through one producer. A record costs no promise: it is handed over, and a failure of any shows at
 * the next `room` or `flush`, before an offset that rests on it can be committed. There the production handler is asked, where the
 * application has one; without, or when it says `fail`, nothing is taken from then on. A dead letter that cannot be written fails.
 *
 * With exactly once a record that is refused takes its transaction with it. What the handler passes over is left out when the
 * transaction is done again: see excused-records.ts.
 */
export class ProducerCollector implements Collector {
  readonly #producer: Outlet
  readonly #options: ProducerCollectorOptions
  readonly #desk: ErrorDesk
  /** Told by the producer, and not yet by the handler. */
  #lost: Lost[] = []
  #hasRoom = true
  #failure: StreamsError | undefined
  #changeLost: Error | undefined
  #sent = 0
  #failed = 0
  readonly #excused = new ExcusedRecords()
  /** Of what is excused: they cannot be written now. */
  #kept: DeadLetter[] | undefined
  readonly keepsOrigins: boolean

  constructor(producer: Outlet, options: ProducerCollectorOptions) {
    this.#producer = producer
    this.#options = options
    this.keepsOrigins = options.errors.handlers.production !== undefined || options.errors.deadLetterTopic !== undefined
    this.#desk = new ErrorDesk({
      policy: options.errors,
      send: letter => (this.#kept ? void this.#kept.push(letter) : this.#enqueue(letter)),
      passedOver: (origin, reason) => options.onDropped(origin.taskId, origin.node, reason, placeOf(origin)),
    })
  }

  /** Records that were handed to the producer, and those that could not be delivered; without a handler only the first of them is known. */
  get counts(): { sent: number; failed: number } {
    return { sent: this.#sent, failed: this.#failed }
  }

  send(record: OutgoingRecord, origin?: Origin): void {
    if (this.#isLeftOut(record, origin)) return
    if (this.keepsOrigins) this.#watch(record, origin, 1)
    else this.#hand(record)
  }

  partitionsOf(topic: string): MaybePromise<number> {
    const { partitionsOf, lookUp, missing, writersOf } = this.#options
    const known = partitionsOf(topic)
    if (known > 0) return known
    missing?.written(topic)
    return lookUp(topic, missing?.signal).then(
      () => partitionsOf(topic),
      error => Promise.reject(undelivered(error, writersOf)),
    )
  }

  changelog({ topic, partition }: TopicPartition): Changelog {
    const receipt = new ChangelogReceipt(error => void (this.#changeLost ??= error))
    const log: ChangeLog = (key, value, timestamp) => {
      const record: OutgoingRecord = { topic, partition, key, value, timestamp, headers: noHeaders }
      if (this.#isLeftOut(record, undefined)) return
      if (this.keepsOrigins) this.#watch(record, undefined, 1, receipt)
      else this.#hand(record, receipt)
    }
    return {
      log,
      get position() {
        return receipt.position
      },
    }
  }

  /** Waits while the producer's buffer is full; throws when something sent could not be delivered. */
  async room(signal: AbortSignal): Promise<void> {
    if (this.#lost.length > 0) await untilAborted(this.#settleLost(), signal)
    this.#check(this.#lastFailure)
    if (this.#hasRoom) return
    await untilAborted(this.#producer.ready, this.#orInVain(signal))
    this.#hasRoom = true
    this.#check(this.#lastFailure)
  }

  /** Resolves when everything sent is acknowledged, or passed over by the handler. */
  async flush(signal: AbortSignal): Promise<void> {
    do {
      await untilAborted(this.#settleLost(), signal)
      this.#check(this.#lastFailure)
      try {
        await this.#producer.flush({ signal: this.#orInVain(signal) })
      } catch (error) {
        if (signal.aborted) throw error
        this.#check(error as Error)
      }
      this.#check(this.#lastFailure)
    } while (this.#lost.length > 0)
  }

  /** Aborts, too, when what is waited for does not come: its topic is missing. */
  #orInVain(signal: AbortSignal): AbortSignal {
    const { missing } = this.#options
    return missing ? AbortSignal.any([signal, missing.signal]) : signal
  }

  /** What has not been acknowledged is given up. */
  async close(): Promise<void> {
    this.#options.missing?.close()
    await this.#producer.close({ signal: AbortSignal.abort() }).catch(() => {})
  }

  get #hasLostTransaction(): boolean {
    return this.#producer.failure instanceof TransactionError
  }

  get #lastFailure(): Error | undefined {
    return this.#producer.failure ?? this.#changeLost
  }

  #enqueue(record: OutgoingRecord, receipt?: Receipt | ((error: Error) => void)): void {
    this.#sent++
    const { topic, partition } = record
    this.#options.missing?.written(topic)
    if (partition !== undefined) mustBeOneOf(partition, topic, this.#options.partitionsOf(topic))
    // In bytes already: the topic is named by text, whose contract is bytes.
    this.#hasRoom = this.#producer.enqueue(record.topic, record as Bytes, receipt)
  }

  #hand(record: OutgoingRecord, receipt?: Receipt): void {
    try {
      this.#enqueue(record, receipt)
    } catch (error) {
      this.#check(error as Error, record)
    }
  }

  #isLeftOut(record: OutgoingRecord, origin: Origin | undefined): boolean {
    if (this.#excused.isEmpty) return false
    const letters = this.#excused.inPlaceOf(record, origin)
    for (const letter of letters ?? []) this.#hand(letter)
    return letters !== undefined
  }

  #watch(record: OutgoingRecord, origin: Origin | undefined, attempts: number, changelog?: ChangelogReceipt): void {
    const onLost = (error: Error) => {
      // What fails with a transaction, or after it, is not why it was lost.
      if (error instanceof TransactionError || this.#hasLostTransaction) return
      this.#lost.push({ error, record, origin, attempts, changelog })
    }
    const delivered: Receipt['delivered'] = (topic, partition, offset) => changelog?.delivered(topic, partition, offset)
    try {
      this.#enqueue(record, changelog ? { delivered, failed: onLost, wrong: onLost } : onLost)
    } catch (error) {
      if (error instanceof TransactionError) throw error
      onLost(error as Error)
    }
  }

  /** One after the other, in the order in which they were lost; `hasLostAll`: with a transaction that is over. */
  async #settleLost(hasLostAll = false): Promise<void> {
    while (this.#lost.length > 0) {
      const lost = this.#lost.shift()!
      this.#failed++
      const { error, record, attempts } = lost
      const isRedone = hasLostAll || this.#hasLostTransaction
      if (isRedone && isProducersFault(error)) continue
      if (isFatalRefusal(error) || isProducersFault(error)) this.#check(error, record)
      const origin = lost.origin ?? this.#unknown(record)
      this.#kept = isRedone ? [] : undefined
      const deed = await this.#asked(error, origin, { target: record, attempts })
      if (deed === 'fail') this.#check(error, record)
      else if (deed === 'resume' && isRedone) this.#excused.add(record, lost.origin, this.#kept ?? [])
      else if (deed === 'retry' && !isRedone) this.#watch(record, origin, attempts + 1, lost.changelog)
      this.#kept = undefined
    }
  }

  async #asked(error: Error, origin: Origin, what: { target: OutgoingRecord; attempts: number }): Promise<Deed> {
    const deed = this.#desk.production(error, origin, what)
    const { patience } = this.#options
    return isPromise(deed) ? settledWithin(deed, patience, () => handlerUnsettled(origin, patience)) : deed
  }

  /** A change of a store. */
  #unknown({ topic, timestamp, headers }: OutgoingRecord): Origin {
    return noRecord(this.#options.writersOf(topic), '', timestamp, headers)
  }

  /**
   * A transaction was lost: the handler is asked about what it was lost with. Throws the StreamsError that ends the instance, unless to
   * begin again at the last commit makes sense.
   */
  async mayBeginAgain(error: TransactionError, signal: AbortSignal): Promise<void> {
    await untilAborted(this.#settleLost(true), signal)
    if (this.#excused.beginRound() || maySucceedAgain(error)) return
    throw undelivered(error.cause instanceof ProtocolError ? error.cause : error, this.#options.writersOf)
  }

  /** What was written is there for good. */
  committed(): void {
    this.#excused.committed()
  }

  /** Everything since the last commit was given up, with its failure. */
  forget(): void {
    this.#lost = []
    this.#failure = undefined
    this.#changeLost = undefined
    this.#hasRoom = true
  }

  /** A transaction that is lost is no failure of the application yet. */
  #check(failure: Error | undefined, record?: OutgoingRecord): void {
    if (failure instanceof TransactionError) throw failure
    if (failure && !this.keepsOrigins && !this.#failure) this.#failed++
    if (failure) this.#failure ??= undelivered(failure, this.#options.writersOf, record)
    if (this.#failure) throw this.#failure
  }
}

/** `partitions` is 0 while that is not known; then the producer finds out. */
function mustBeOneOf(partition: number, topic: string, partitions: number): void {
  if (Number.isInteger(partition) && partition >= 0 && (partition < partitions || partitions === 0)) return
  const range = partitions === 0 ? '' : `; ${topic} has 0 to ${partitions - 1}`
  throw new UsageError(`\`partitionOf\` answered ${String(partition)}, which is no partition${range}.`)
}

const handlerUnsettled = ({ node }: Origin, { timeoutMs }: Patience): StreamsError =>
  new StreamsError(
    'TASK_TIMEOUT',
    `The production handler has not settled on a failure of node ${node} within ${timeoutMs} ms. Give what it waits for a timeout of its own, or raise \`taskTimeoutMs\`.`,
    { node },
  )
