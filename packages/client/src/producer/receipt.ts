/** Who is told when a record has been delivered or has failed. One small object per record that somebody waits for, none otherwise. */
import type { Delivered, RecordMetadata } from './record.ts'

export interface Receipt {
  /** `appendTime` is the broker's, -1 where the record's own time holds. */
  delivered(topic: string, partition: number, offset: number, appendTime: number): void
  failed(error: Error): void
  /** The record was not one that can be sent. */
  wrong(error: Error): void
}

let captured: PromiseReceipt
const capture = (resolve: (metadata: RecordMetadata) => void, reject: (error: Error) => void) => {
  captured.resolve = resolve
  captured.reject = reject
}

/** The promise of one `send`. Its executor is shared, so a record costs one promise and this object. */
export class PromiseReceipt implements Receipt {
  readonly timestamp: number
  readonly promise: Promise<RecordMetadata>
  resolve!: (metadata: RecordMetadata) => void
  reject!: (error: Error) => void

  constructor(timestamp: number) {
    this.timestamp = timestamp
    captured = this
    this.promise = new Promise(capture)
  }

  delivered(topic: string, partition: number, offset: number, appendTime: number): void {
    this.resolve({ topic, partition, offset, timestamp: appendTime >= 0 ? appendTime : this.timestamp })
  }

  failed(error: Error): void {
    this.reject(error)
  }

  wrong(error: Error): void {
    this.reject(error)
  }
}

/** Failing, it fails its transaction, and that is told by `transaction()`: whoever does not await it has missed nothing. */
export class TransactionReceipt extends PromiseReceipt {
  override failed(error: Error): void {
    this.promise.catch(() => {})
    super.failed(error)
  }
}

/** Of a record whose sender waits for nothing, and wants to hear when it is lost. */
export class LossReceipt implements Receipt {
  readonly failed: (error: Error) => void

  constructor(onLost: (error: Error) => void) {
    this.failed = onLost
  }

  delivered(): void {}

  wrong(error: Error): void {
    this.failed(error)
  }
}

/** The one promise of a `sendAll`: counts what is under way, keeps a line per partition and the first failure. */
export class SummaryReceipt implements Receipt {
  readonly #partitions = new Map<
    string,
    { topic: string; partition: number; count: number; firstOffset: number; lastOffset: number }
  >()
  #expected = Number.POSITIVE_INFINITY
  #settled = 0
  #count = 0
  #error: Error | undefined
  #settle: (() => void) | undefined

  get error(): Error | undefined {
    return this.#error
  }

  delivered(topic: string, partition: number, offset: number): void {
    const key = `${partition} ${topic}`
    const line = this.#partitions.get(key)
    if (!line) this.#partitions.set(key, { topic, partition, count: 1, firstOffset: offset, lastOffset: offset })
    else {
      line.count++
      if (offset < line.firstOffset) line.firstOffset = offset
      if (offset > line.lastOffset) line.lastOffset = offset
    }
    this.#count++
    this.#oneSettled()
  }

  failed(error: Error): void {
    this.#error ??= error
    this.#oneSettled()
  }

  wrong(error: Error): void {
    this.failed(error)
  }

  /** Resolves when `expected` records have been settled; rejects with the first failure. */
  async done(expected: number): Promise<Delivered> {
    this.#expected = expected
    if (this.#settled < expected) await new Promise<void>(resolve => (this.#settle = resolve))
    if (this.#error) throw this.#error
    return { count: this.#count, partitions: [...this.#partitions.values()] }
  }

  #oneSettled(): void {
    if (++this.#settled >= this.#expected) this.#settle?.()
  }
}
