import type {
  OffsetOwner,
  OffsetToCommit,
  ProducerRecord,
  Receipt,
  Transaction,
  TransactionalProducer,
  TransactionError,
} from '@odradek/client'
import type { Outlet } from './producer-collector.ts'

/**
 * What an instance writes under exactly once: all its tasks in one transaction, with their offsets. A transaction is begun before
 * something is processed and ended by `commit` or `abort`; one that is lost (a record was not taken, its time was over, another producer
 * has the id) says so at the next `enqueue` or `flush`, and must be aborted.
 */
export class TransactionalOutlet implements Outlet {
  readonly #make: () => TransactionalProducer
  readonly #owner: OffsetOwner
  readonly #inVain: AbortSignal | undefined
  #producer: TransactionalProducer
  #open: { tx: Transaction; finish: PromiseWithResolvers<void>; ended: Promise<void> } | undefined
  #offsets: readonly OffsetToCommit[] = []

  /** `inVain` aborts when what was written cannot be delivered and nobody is to wait for it; the transaction fails with its reason. */
  constructor(make: () => TransactionalProducer, owner: OffsetOwner, inVain?: AbortSignal) {
    this.#make = make
    this.#owner = owner
    this.#inVain = inVain
    this.#producer = make()
  }

  get isOpen(): boolean {
    return this.#open !== undefined
  }

  /** Without a transaction there is nothing that could be written. */
  async begin(): Promise<void> {
    if (this.#open) return
    const finish = Promise.withResolvers<void>()
    finish.promise.catch(() => {}) // told by `ended`
    const { promise, resolve, reject } = Promise.withResolvers<Transaction>()
    const work = async (tx: Transaction) => {
      resolve(tx)
      await finish.promise
      if (this.#offsets.length > 0) await tx.commitOffsets(this.#offsets, this.#owner)
    }
    const ended = this.#producer.transaction(work, { signal: this.#inVain })
    ended.catch(reject)
    this.#open = { tx: await promise, finish, ended }
  }

  /** Everything written, and the offsets, or nothing. Rejects with a TransactionError. */
  async commit(offsets: readonly OffsetToCommit[]): Promise<void> {
    if (!this.#open) await this.begin()
    const { finish, ended } = this.#open!
    this.#offsets = offsets
    finish.resolve()
    try {
      await ended
    } finally {
      this.#open = undefined
    }
  }

  async abort(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    open?.finish.reject(new Error('the transaction is given up'))
    await open?.ended.catch(() => {})
  }

  /** After a producer was fenced: the same name anew, which fences whoever has it now. */
  async renew(): Promise<void> {
    const before = this.#producer
    this.#producer = this.#make()
    await before.close({ signal: AbortSignal.abort() }).catch(() => {})
  }

  enqueue(topic: string, record: ProducerRecord<any, any>, receipt?: Receipt | ((error: Error) => void)): boolean {
    const heard = typeof receipt === 'function' ? lossReceipt(receipt) : receipt
    return this.#open!.tx.enqueue(topic, record, heard)
  }

  get ready(): Promise<void> {
    return this.#open?.tx.ready ?? Promise.resolve()
  }

  get failure(): Error | undefined {
    const signal = this.#open?.tx.signal
    return signal?.aborted ? (signal.reason as Error) : undefined
  }

  /** The commit waits for what was written. */
  async flush(): Promise<void> {
    if (this.failure) throw this.failure
  }

  async close(): Promise<void> {
    await this.abort()
    await this.#producer.close({ signal: AbortSignal.abort() }).catch(() => {})
  }
}

const lossReceipt = (onLost: (error: Error) => void): Receipt => ({ delivered() {}, failed: onLost, wrong: onLost })

/** Whether to begin again at the last commit makes sense: what the brokers refuse for what it is, they refuse again. */
export function maySucceedAgain(error: TransactionError): boolean {
  if (error.code === 'PRODUCER_FENCED' || error.retriable) return true
  return again.has(error.code)
}

/** Somebody else has the partitions, the time was over, nobody knows: the committed offsets tell where to go on. */
const again: ReadonlySet<string> = new Set([
  ...['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'FENCED_INSTANCE_ID', 'REBALANCE_IN_PROGRESS', 'PARTITION_REVOKED'],
  ...[
    'TRANSACTION_TIMED_OUT',
    'COMMIT_OUTCOME_UNKNOWN',
    'TRANSACTION_ABORTED',
    'INVALID_TXN_STATE',
    'TRANSACTION_ABORTABLE',
  ],
  ...['INVALID_PRODUCER_EPOCH', 'UNKNOWN_PRODUCER_ID', 'OUT_OF_ORDER_SEQUENCE_NUMBER', 'INVALID_PRODUCER_ID_MAPPING'],
])
